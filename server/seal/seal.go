package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Recipients are to whom something is sealed; any one of them can open it.
type Recipients []age.Recipient

// ParseRecipients reads public recipients, such as age1….
func ParseRecipients(all []string) (Recipients, error) {
	var to Recipients
	for _, text := range all {
		if HoldsIdentity(text) {
			return nil, errors.New("an identity was given where its public recipient is wanted; write age1…, and consider that identity known to others")
		}
		got, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%q is not an age recipient; write the age1… that `fisherman secrets keygen` has printed", text)
		}
		to = append(to, got...)
	}
	return to, nil
}

// Seal encrypts a text. What it returns is one line, another one each time.
func (to Recipients) Seal(text string) (string, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err == nil {
		_, err = io.WriteString(w, text)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed.Bytes()), nil
}

// Canonical is the one form of what was sealed: base64 on one line, as Seal makes it. The ASCII-armoured block of the age
// command has another. Their content is not looked at.
func Canonical(sealed string) (string, error) {
	raw, err := decode(sealed)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func decode(sealed string) ([]byte, error) {
	sealed = strings.TrimSpace(sealed)
	if strings.HasPrefix(sealed, armor.Header) {
		raw, err := io.ReadAll(armor.NewReader(strings.NewReader(sealed)))
		if err != nil {
			return nil, errors.New("is not a whole age block; copy all of it, and write it below `age: |` with its line breaks")
		}
		return raw, nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(sealed), ""))
	if err != nil || !bytes.HasPrefix(raw, []byte("age-encryption.org/")) {
		return nil, errors.New("is not encrypted with age; write the line that `fisherman secrets encrypt` prints, or an armoured block")
	}
	return raw, nil
}
