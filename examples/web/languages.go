package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/web/accountspb"
	"github.com/errstatus/errstatus/status/localize"
)

// languageFiles has a translator's file for each language. The enum of a service can have
// its texts itself, as AccountCode and OpenIM's codes have Chinese ones.
//
//go:embed languages
var languageFiles embed.FS

// texts is a translator's file.
type texts struct {
	Codes  map[string]string // by reason
	Fields map[string]string // by the rule that a field broke, in upper snake case
}

// parseTexts reads a translator's file. A wrong name in it is an error.
func parseTexts(b []byte) (t texts, err error) {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&t)
	return t, err
}

// readLanguages returns AccountCode's table with all texts, and a Localizer that picks them.
func readLanguages() (*codes.Table, *localize.Localizer, error) {
	table := accountspb.AccountCode(0).Table()
	files := map[string]texts{"de": {}, "zh-Hans": {}}
	for locale := range files {
		b, err := languageFiles.ReadFile("languages/" + locale + ".json")
		if err != nil {
			return nil, nil, err
		}
		t, err := parseTexts(b)
		if err != nil {
			return nil, nil, fmt.Errorf("languages/%s.json: %w", locale, err)
		}
		if table, err = codes.Translate(table, locale, t.Codes); err != nil {
			return nil, nil, fmt.Errorf("languages/%s.json: %w", locale, err)
		}
		files[locale] = t
	}
	localizer := localize.New(codes.Default(), table)
	for locale, t := range files {
		var err error
		if localizer, err = localizer.WithFieldTexts(locale, t.Fields); err != nil {
			return nil, nil, fmt.Errorf("languages/%s.json: %w", locale, err)
		}
	}
	return table, localizer, nil
}
