package main

import (
	"errors"
	"fmt"
)

// options are the plugin's own options. Those of every Go plugin, such as paths, are
// protogen's.
type options struct {
	attach         bool // to the type of protoc-gen-go
	shortConstants bool
	keepPrefix     bool
}

// set sets an option of the command line. It returns an error for an unknown one, and for a
// value that the option doesn't have.
func (o *options) set(name, value string) error {
	switch name {
	case "attach":
		return choose(&o.attach, name, value, "true", "false")
	case "short_constants":
		return choose(&o.shortConstants, name, value, "true", "false")
	case "prefix":
		return choose(&o.keepPrefix, name, value, "keep", "trim")
	}
	return fmt.Errorf("unknown option %q: the options are attach=true, short_constants=true, prefix=keep, paths=, module= and M…=", name)
}

// choose sets an option that has two values.
func choose(option *bool, name, value, yes, no string) error {
	if value != yes && value != no {
		return fmt.Errorf("option %s=%s: use %[1]s=%[3]s or %[1]s=%[4]s", name, value, yes, no)
	}
	*option = value == yes
	return nil
}

// check returns an error for options that don't go together.
func (o *options) check() error {
	if o.shortConstants && !o.attach {
		return errors.New("option short_constants=true needs attach=true: add attach=true, or remove short_constants, because without attach=true all constants are short")
	}
	return nil
}
