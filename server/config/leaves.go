package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"fisherman/deployer"
)

// leaf is a single value of a configuration.
type leaf struct {
	text    string
	secret  *Secret // in its place; nil: it is none
	written string  // what is shown instead; empty: the text itself
}

// shown is what may be shown of it; empty where there is none.
func (l leaf) shown() string {
	if l.secret != nil {
		return redacted
	}
	return cmp.Or(l.written, l.text)
}

func (l leaf) equal(other leaf) bool {
	if l.secret == nil || other.secret == nil {
		return l.secret == other.secret && l.text == other.text
	}
	return l.secret.Equal(*other.secret)
}

// leaves are all single values below a place, by path. What says nothing, such as an empty text or a list without items, is no
// leaf. It goes by the types of the configuration, so that a key that is added to them is compared without a word here.
func leaves(path string, v reflect.Value) map[string]leaf {
	all := map[string]leaf{}
	gather(all, path, v)
	return all
}

// ofService are the leaves of a service, or of a part of it, arguments as they are written.
func ofService(s deployer.Service, path string, v reflect.Value) map[string]leaf {
	all := leaves(path, v)
	for key, text := range s.Written {
		if l, is := all["services."+s.Name+"."+key]; is {
			l.written = text
			all["services."+s.Name+"."+key] = l
		}
	}
	return all
}

func gather(all map[string]leaf, path string, v reflect.Value) {
	if !v.IsValid() || v.IsZero() {
		return
	}
	if s, is := v.Interface().(Secret); is {
		all[path] = leaf{secret: &s}
		return
	}
	if s, is := v.Interface().(fmt.Stringer); is {
		all[path] = leaf{text: s.String()}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		gather(all, path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "Name" && f.Name != "Written" {
				gather(all, path+"."+keyOf(f.Name), v.Field(i))
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			gather(all, path+"."+key.String(), v.MapIndex(key))
			if s, is := v.MapIndex(key).Interface().(Secret); is { // a variable may be set to nothing
				all[path+"."+key.String()] = leaf{secret: &s}
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			item := fmt.Sprintf("%s[%d]", path, i)
			gather(all, item, v.Index(i))
			if v.Index(i).Kind() == reflect.String && v.Index(i).IsZero() {
				all[item] = leaf{text: `""`}
			}
		}
	default:
		all[path] = leaf{text: fmt.Sprint(v.Interface())}
	}
}

// keyOf is how a field is written in the file: ChannelID is channel_id.
func keyOf(field string) string {
	switch field {
	case "GitHub", "API", "PIDs", "CPUs", "HTTP", "HTTPS", "ID", "ACME", "TLS":
		return strings.ToLower(field)
	case "ClientCA":
		return "client_ca"
	case "Secrets":
		return "secret"
	case "ReadOnly":
		return "read_only"
	}
	var b strings.Builder
	runes := []rune(field)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && unicode.IsLower(runes[i-1]) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
