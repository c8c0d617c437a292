package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// A usageError is a mistake in the arguments of the command: exit status 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newFlags returns the flags of a command. It prints nothing itself.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// A list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(value string) error {
	if value == "" {
		return errors.New("give the name of a JSON file or of a directory")
	}
	*l = append(*l, value)
	return nil
}

// A choice is a flag that has one of some values.
type choice struct {
	value  string
	values []string
}

func (c *choice) String() string { return c.value }

func (c *choice) Set(value string) error {
	for _, known := range c.values {
		if value == known {
			c.value = value
			return nil
		}
	}
	if near, ok := suggestion(value, c.values); ok {
		return fmt.Errorf("did you mean %s? The values are %s", near, strings.Join(c.values, ", "))
	}
	return fmt.Errorf("the values are %s", strings.Join(c.values, ", "))
}

// parse parses flags and arguments in any order, which package flag doesn't. After "--" all
// are arguments; so are negative numbers.
func parse(flags *flag.FlagSet, args []string) (arguments []string, err error) {
	for len(args) > 0 {
		if number.MatchString(args[0]) {
			arguments, args = append(arguments, args[0]), args[1:]
			continue
		}
		if err := flags.Parse(args); err != nil {
			return nil, explainFlagError(flags, err)
		}
		used := len(args) - flags.NArg()
		if used > 0 && args[used-1] == "--" {
			return append(arguments, args[used:]...), nil
		}
		if args = args[used:]; len(args) > 0 {
			arguments, args = append(arguments, args[0]), args[1:]
		}
	}
	return arguments, nil
}

// explainFlagError names the flag that was meant where package flag says that there is none.
func explainFlagError(flags *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return usageError{err}
	}
	var names []string
	flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if near, ok := suggestion(name, names); ok {
		return usagef("there is no flag -%s: did you mean -%s?", name, near)
	}
	return usagef("there is no flag -%s: the flags are -%s", name, strings.Join(names, ", -"))
}
