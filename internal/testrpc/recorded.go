package testrpc

import (
	"encoding/json"
	"io"
	"os"
	"testing"
)

// Recorded returns the lines of a JSON Lines file, each decoded into an F. It
// fails the test if there are fewer lines than the given number.
func Recorded[F any](t testing.TB, path string, lines int) (all []F) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for d := json.NewDecoder(file); ; {
		var f F
		if err := d.Decode(&f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s, line %d: %v", path, len(all)+1, err)
		}
		all = append(all, f)
	}
	if len(all) < lines {
		t.Fatalf("%s: %d lines; want %d", path, len(all), lines)
	}
	return all
}
