package codes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// versionRow returns a row NOT_FOUND of a table of which a test has two versions.
func versionRow(number int32, reason string, former ...string) codes.Row {
	return codes.Row{Code: cardCode(number), Reason: reason, FormerReasons: former, GRPCCode: grpccodes.NotFound, Message: "m"}
}

func version(rows ...codes.Row) []codes.Row { return rows }

// changed returns a row that differs from versionRow(1, "AAA").
func changed(change func(*codes.Row)) []codes.Row {
	row := versionRow(1, "AAA")
	change(&row)
	return version(row)
}

func TestCompare(t *testing.T) {
	aaa := version(versionRow(1, "AAA"))
	const (
		misread  = "breaks clients whose server has the other table: with the new table they read %s, with the old one %s: if the code was renamed, add %s to its former_reasons; if it is another code, give it another number"
		byNumber = "breaks programs that read or store the number, such as clients that get raw numbers"
		oldName  = "Go programs need the new constant, and Parse doesn't read the old name: an alias (allow_alias) keeps it"
		removed  = "breaks clients that expect it; those with the new table read %s from servers with the old one"
		added    = "clients with the old table keep its number and reason, and see its canonical code"
		text     = "callers that match on the text notice"
	)
	templates := func(template string) []codes.Row { return changed(func(r *codes.Row) { r.Template = template }) }
	for _, tt := range []struct {
		name     string
		old, new []codes.Row
		want     []string
	}{
		{"nothing", aaa, aaa, nil},
		{"a code added", aaa, version(versionRow(1, "AAA"), versionRow(2, "BBB")), []string{"2 BBB: added: " + added}},
		{"a code removed", version(versionRow(1, "AAA"), versionRow(2, "BBB")), aaa,
			[]string{"2 BBB: removed: " + fmt.Sprintf(removed, "a code without a row")}},
		{"the order of rows", version(versionRow(1, "AAA"), versionRow(2, "BBB")), version(versionRow(2, "BBB"), versionRow(1, "AAA")), nil},

		{"another reason", aaa, version(versionRow(1, "BBB")), []string{
			"1 AAA: reason AAA -> BBB: " + fmt.Sprintf(misread, "no code", "no code", "AAA"), "1 AAA: name AAA -> BBB: " + oldName}},
		{"another reason with the former one", aaa, version(versionRow(1, "BBB", "AAA")), []string{
			"1 AAA: reason AAA -> BBB: deploy clients before servers: those with the old table read no code for the new reason",
			"1 AAA: name AAA -> BBB: Go programs need the new constant; Parse reads both"}},
		{"another reason that clients know already", version(versionRow(1, "AAA", "BBB")), version(versionRow(1, "BBB", "AAA")), []string{
			"1 AAA: reason AAA -> BBB: all clients read both reasons", "1 AAA: name AAA -> BBB: Go programs need the new constant; Parse reads both"}},
		{"a former reason that is added", aaa, version(versionRow(1, "AAA", "ZZZ")), nil},
		{"a former reason that is dropped", version(versionRow(1, "AAA", "ZZZ")), aaa, []string{
			"1 AAA: former reason ZZZ -> none: breaks clients with the new table, which read no code from servers that still send it"}},
		{"a former reason that is another code's now", version(versionRow(1, "AAA", "ZZZ")), version(versionRow(1, "AAA"), versionRow(2, "ZZZ")), []string{
			"1 AAA: former reason ZZZ -> none: breaks clients with the new table, which read ZZZ (2) from servers that still send it",
			"2 ZZZ: added: breaks clients with the old table, which read AAA (1) for it"}},
		{"the former reason of another code as new reason", version(versionRow(1, "AAA", "ZZZ"), versionRow(2, "BBB")), version(versionRow(1, "AAA"), versionRow(2, "ZZZ", "BBB")), []string{
			"1 AAA: former reason ZZZ -> none: breaks clients with the new table, which read ZZZ (2) from servers that still send it",
			"2 BBB: reason BBB -> ZZZ: breaks clients with the old table, which read AAA (1) for the new reason",
			"2 BBB: name BBB -> ZZZ: Go programs need the new constant; Parse reads both"}},

		{"another number", aaa, version(versionRow(5, "AAA")), []string{"1 AAA: number 1 -> 5: " + byNumber}},
		{"swapped numbers", version(versionRow(1, "AAA"), versionRow(2, "BBB")), version(versionRow(2, "AAA"), versionRow(1, "BBB")), []string{
			"1 AAA: number 1 -> 2: " + byNumber + "; 1 now belongs to BBB", "2 BBB: number 2 -> 1: " + byNumber + "; 2 now belongs to AAA"}},
		{"a number that a new code takes over", aaa, version(versionRow(5, "AAA"), versionRow(1, "CCC")), []string{
			"1 AAA: number 1 -> 5: " + byNumber + "; 1 now belongs to CCC",
			"1 CCC: added: breaks clients with the old table, which read no code for it: number 1 is AAA there"}},
		{"another number and another reason with the former one", aaa, version(versionRow(5, "BBB", "AAA")), []string{
			"1 AAA: number 1 -> 5: " + byNumber,
			"1 AAA: reason AAA -> BBB: deploy clients before servers: those with the old table read a code without a row for the new reason",
			"1 AAA: name AAA -> BBB: Go programs need the new constant; Parse reads both"}},
		{"another number and another reason", aaa, version(versionRow(5, "BBB")), []string{
			"1 AAA: removed: " + fmt.Sprintf(removed, "a code without a row"), "5 BBB: added: " + added}},
		{"a removed code whose reason is another's former reason", version(versionRow(1, "AAA"), versionRow(2, "BBB")), version(versionRow(2, "BBB", "AAA")), []string{
			"1 AAA: removed: " + fmt.Sprintf(removed, "BBB (2)")}},
		{"two codes that become one", version(versionRow(1, "AAA"), versionRow(2, "BBB")), version(versionRow(2, "CCC", "AAA", "BBB")), []string{
			"1 AAA: removed: " + fmt.Sprintf(removed, "CCC (2)"),
			"2 BBB: reason BBB -> CCC: deploy clients before servers: those with the old table read no code for the new reason",
			"2 BBB: name BBB -> CCC: Go programs need the new constant; Parse reads both"}},

		{"a row for number 0", aaa, version(versionRow(1, "AAA"), codes.Row{Code: cardCode(0), Reason: "OK"}), []string{"0 OK: added: number 0 is never sent"}},
		{"no row for number 0", version(versionRow(1, "AAA"), codes.Row{Code: cardCode(0), Reason: "OK"}), aaa, []string{"0 OK: removed: number 0 is never sent"}},
		{"another reason for number 0", version(codes.Row{Code: cardCode(0), Name: "Fine", Reason: "OK"}), version(codes.Row{Code: cardCode(0), Name: "Fine", Reason: "FINE"}), []string{
			"0 OK: reason OK -> FINE: number 0 is never sent"}},
		{"a code that becomes number 0", version(versionRow(5, "AAA")), version(codes.Row{Code: cardCode(0), Reason: "AAA"}), []string{
			"0 AAA: added: number 0 is never sent", "5 AAA: removed: " + fmt.Sprintf(removed, "a code without a row")}},

		{"another canonical code", aaa, changed(func(r *codes.Row) { r.GRPCCode = grpccodes.Unavailable }), []string{
			"1 AAA: canonical code NOT_FOUND -> UNAVAILABLE: breaks retries, alerts, proxies and clients that read only the canonical code",
			"1 AAA: fault caller -> transient: alerts and logs of programs with the new table notice; it is not sent",
			"1 AAA: retry never -> call: clients with the new table notice; it is not sent"}},
		{"another fault", aaa, changed(func(r *codes.Row) { r.FaultOverride = codes.FaultServer }), []string{
			"1 AAA: fault caller -> server: alerts and logs of programs with the new table notice; it is not sent"}},
		{"a fault that says what follows", aaa, changed(func(r *codes.Row) { r.FaultOverride = codes.FaultCaller }), nil},
		{"another retry advice", aaa, changed(func(r *codes.Row) { r.RetryOverride = codes.RetryTransaction }), []string{
			"1 AAA: retry never -> transaction: clients with the new table notice; it is not sent"}},
		{"another message", aaa, changed(func(r *codes.Row) { r.Message = `say "no"` }), []string{`1 AAA: message "m" -> "say \"no\"": ` + text}},
		{"a localized message added", aaa, changed(func(r *codes.Row) { r.Localized = []codes.LocalizedMessage{{Locale: "zh-Hans", Message: "无"}} }), []string{
			`1 AAA: localized message zh-hans none -> "无": programs that show it notice`}},
		{"localized messages in another order", changed(func(r *codes.Row) {
			r.Template = "b {id}"
			r.Localized = []codes.LocalizedMessage{{Locale: "de", Message: "a"}, {Locale: "zh", Message: "b"}}
		}), changed(func(r *codes.Row) {
			r.Template = "b {id}"
			r.Localized = []codes.LocalizedMessage{{Locale: "zh", Message: "b"}, {Locale: "DE", Message: "c", Template: "c {id}"}}
		}), []string{`1 AAA: localized message de "a" -> message "c", template "c {id}": programs that show it notice`}},
		{"a localized template alone", templates("no {thing}"), changed(func(r *codes.Row) {
			r.Template = "no {thing}"
			r.Localized = []codes.LocalizedMessage{{Locale: "de", Template: "kein {thing}"}}
		}), []string{`1 AAA: localized message de none -> template "kein {thing}": programs that show it notice`}},

		{"a first template", aaa, templates("no {thing} in {place}"), []string{
			"1 AAA: parameters none -> place, thing: clients with the new table read them from servers with the new table only"}},
		{"other words in a template", templates("no {thing} in {place}"), templates("{place} has no {thing}, {place}"), []string{
			`1 AAA: template "no {thing} in {place}" -> "{place} has no {thing}, {place}": ` + text}},
		{"a parameter added", templates("no {thing}"), templates("no {thing} in {place}"), []string{
			"1 AAA: parameters thing -> place, thing: breaks clients with the new table: errors.AsType returns false until all servers send place"}},
		{"a parameter removed", templates("no {thing} in {place}"), templates("no {thing}"), []string{
			"1 AAA: parameters place, thing -> thing: breaks clients with the old table: errors.AsType returns false without place"}},
		{"a parameter renamed", templates("no {thing}"), templates("no {object}"), []string{
			"1 AAA: parameters thing -> object: breaks clients with the old table: errors.AsType returns false without thing"}},
		{"no template", templates("no {thing}"), templates(""), []string{
			"1 AAA: parameters thing -> none: breaks clients with the old table: errors.AsType returns false without thing"}},

		{"another name", aaa, changed(func(r *codes.Row) { r.Name = "Aaa" }), []string{"1 AAA: name AAA -> Aaa: Go programs need the new constant; Parse reads both"}},
		{"another name that Parse doesn't read", changed(func(r *codes.Row) { r.Name = "Aaa" }), changed(func(r *codes.Row) { r.Name = "Bbb" }), []string{
			"1 AAA: name Aaa -> Bbb: " + oldName}},
		{"another name that another code has now", changed(func(r *codes.Row) { r.Name = "Aaa" }),
			append(changed(func(r *codes.Row) { r.Name = "Bbb" }), codes.Row{Code: cardCode(2), Name: "Aaa", Reason: "BBB", GRPCCode: grpccodes.NotFound}), []string{
				"1 AAA: name Aaa -> Bbb: breaks Parse of texts with the old name, which now names BBB", "2 BBB: added: " + added}},
		{"an other name added", aaa, changed(func(r *codes.Row) { r.OtherNames = []string{"X"} }), nil},
		{"an other name dropped", changed(func(r *codes.Row) { r.OtherNames = []string{"X"} }), aaa, []string{"1 AAA: name X -> AAA: Parse doesn't read the old name: an alias (allow_alias) keeps it"}},
		{"a name and its other name", changed(func(r *codes.Row) { r.Name, r.OtherNames = "Aaa", []string{"CARD_AAA"} }), changed(func(r *codes.Row) { r.Name, r.OtherNames = "Bbb", []string{"CARD_BBB"} }), []string{
			"1 AAA: name Aaa -> Bbb: " + oldName}},

		{"a name that is the reason of another code", aaa, append(changed(func(r *codes.Row) { r.Name = "Aaa" }), codes.Row{Code: cardCode(2), Name: "AAA", Reason: "BBB", GRPCCode: grpccodes.NotFound}), []string{
			"1 AAA: name AAA -> Aaa: breaks Parse of texts with the old name, which now names BBB", "2 BBB: added: " + added}},
		{"a name that is the reason of a code with another name", changed(func(r *codes.Row) { r.Name = "Aaa" }), append(changed(func(r *codes.Row) { r.Name = "Aaa" }), codes.Row{Code: cardCode(2), Name: "AAA", Reason: "BBB", GRPCCode: grpccodes.NotFound}), []string{
			`1 AAA: name AAA -> Aaa: breaks Parse of the text "AAA", which now names BBB`, "2 BBB: added: " + added}},
		{"a name that is the number of a code", aaa, append(aaa[:1:1], codes.Row{Code: cardCode(2), Name: "1", Reason: "BBB", GRPCCode: grpccodes.NotFound}), []string{
			`1 AAA: name 1 -> AAA: breaks Parse of the text "1", which now names BBB`, "2 BBB: added: " + added}},
		{"a code with the reason of withheld failures", aaa, append(aaa[:1:1], codes.Row{Code: cardCode(2), Reason: "INTERNAL", GRPCCode: grpccodes.Internal, Default: true}), []string{
			"2 INTERNAL: added: clients with the new table read failures that servers with the old one withhold as this code",
			"default for INTERNAL none -> INTERNAL: servers send it for withheld failures"}},

		{"a default for INTERNAL", aaa, append(aaa, codes.Row{Code: cardCode(9), Reason: "BROKEN", GRPCCode: grpccodes.Internal, Default: true}), []string{
			"9 BROKEN: added: " + added, "default for INTERNAL none -> BROKEN: servers send it for withheld failures"}},
		{"no default any more", changed(func(r *codes.Row) { r.Default = true }), aaa, []string{
			"default for NOT_FOUND AAA -> none: clients with WithAssumedCodes notice, and callers that read the messages of withheld failures"}},
		{"another default", append(changed(func(r *codes.Row) { r.Default = true }), versionRow(2, "BBB")), version(versionRow(1, "AAA"), func() codes.Row {
			row := versionRow(2, "BBB")
			row.Default = true
			return row
		}()), []string{"default for NOT_FOUND AAA -> BBB: clients with WithAssumedCodes notice, and callers that read the messages of withheld failures"}},
		{"a default for UNKNOWN", aaa, append(aaa, codes.Row{Code: cardCode(9), Reason: "UNCLEAR", GRPCCode: grpccodes.Unknown, Default: true}), []string{
			"9 UNCLEAR: added: " + added, "default for UNKNOWN none -> UNCLEAR: status.Code returns it for an error without a code"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, new := codes.MustTable("card.example", tt.old...), codes.MustTable("card.example", tt.new...)
			var got []string
			for _, change := range codes.Compare(old, new) {
				got = append(got, change.String())
				if (change.Breaks != "") != strings.Contains(change.String(), ": breaks ") || change.Breaks == "" && change.Note == "" {
					t.Errorf("%+v: want Breaks or Note, and both in the text", change)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Compare returned\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestCompareDomains(t *testing.T) {
	row := versionRow(1, "AAA")
	got := codes.Compare(codes.MustTable("a.example", row), codes.MustTable("b.example", row))
	want := []codes.Change{{Kind: codes.ChangeDomain, Old: "a.example", New: "b.example", Breaks: "every client: it knows no code of the other domain"}}
	if !slices.Equal(got, want) {
		t.Errorf("Compare of two domains returned %v; want %v", got, want)
	}
	if got := codes.Compare(codes.Default(), codes.Default()); got != nil {
		t.Errorf("Compare of a table with itself returned %v; want nil", got)
	}
}

// The fields of a change, for programs.
func TestChange(t *testing.T) {
	old := codes.MustTable("card.example", versionRow(1, "AAA"), versionRow(2, "BBB"))
	new := codes.MustTable("card.example", versionRow(2, "BBB"), func() codes.Row {
		row := versionRow(1, "AAA")
		row.GRPCCode = grpccodes.Aborted
		return row
	}())
	got := codes.Compare(old, new)
	if len(got) != 2 || got[0].Kind != codes.ChangeGRPCCode || got[0].Number != 1 || got[0].Reason != "AAA" || got[0].Old != "NOT_FOUND" || got[0].New != "ABORTED" || got[1].Kind != codes.ChangeRetry {
		t.Errorf("Compare returned %+v; want the canonical code and the retry advice of AAA", got)
	}
	for kind := codes.ChangeDomain; kind <= codes.ChangeDefault; kind++ {
		if strings.HasPrefix(kind.String(), "ChangeKind(") || kind.String() == "" {
			t.Errorf("%d has the text %q; want words", kind, kind)
		}
	}
	if got := codes.ChangeKind(0).String() + codes.ChangeKind(99).String(); got != "ChangeKind(0)ChangeKind(99)" {
		t.Errorf("the text of unknown kinds is %q", got)
	}
}

func ExampleCompare() {
	old := codes.MustTable("shop.example",
		codes.Row{Code: codes.ErrorCode(1), Reason: "SOLD_OUT", GRPCCode: grpccodes.FailedPrecondition},
		codes.Row{Code: codes.ErrorCode(2), Reason: "CLOSED", GRPCCode: grpccodes.Unavailable},
	)
	new := codes.MustTable("shop.example",
		codes.Row{Code: codes.ErrorCode(1), Reason: "SOLD_OUT", GRPCCode: grpccodes.NotFound},
		codes.Row{Code: codes.ErrorCode(2), Reason: "CLOSED", GRPCCode: grpccodes.Unavailable, Message: "the shop is closed"},
	)
	for _, change := range codes.Compare(old, new) {
		fmt.Println(change)
	}
	// Output:
	// 1 SOLD_OUT: canonical code FAILED_PRECONDITION -> NOT_FOUND: breaks retries, alerts, proxies and clients that read only the canonical code
	// 2 CLOSED: message "closed" -> "the shop is closed": callers that match on the text notice
}
