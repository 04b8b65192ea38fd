package deployer

import "reflect"

// equal reports whether nothing of a service has changed. It goes by the type, so that a key that is added to it counts
// without a word here; secrets are the same when they are as they are at hand.
func (s Service) equal(other Service) bool {
	return same(reflect.ValueOf(s), reflect.ValueOf(other))
}

func same(a, b reflect.Value) bool {
	if secret, is := a.Interface().(Secret); is {
		other, _ := b.Interface().(Secret)
		return secret.Equal(other)
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		return a.Len() == b.Len() && all(a.Len(), func(i int) bool { return same(a.Index(i), b.Index(i)) })
	case reflect.Map:
		keys := a.MapKeys()
		return a.Len() == b.Len() && all(len(keys), func(i int) bool {
			other := b.MapIndex(keys[i])
			return other.IsValid() && same(a.MapIndex(keys[i]), other)
		})
	case reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	}
	return a.Equal(b)
}

func all(n int, is func(int) bool) bool {
	for i := range n {
		if !is(i) {
			return false
		}
	}
	return true
}
