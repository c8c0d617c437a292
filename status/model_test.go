package status_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// modelCases is the number of random cases of TestModel:
//
//	go test ./status -run TestModel -model 3000000
var modelCases = flag.Int("model", 80_000, "how many random cases TestModel compares")

// TestModel compares [status.Encoder.Encode] with a second implementation of its
// contract, as simple as possible. A spec describes an error. The model reads the spec
// and never the error, which is made of it in modelcases_test.go. Comments say where the
// contract is silent, and the model follows the code.
func TestModel(t *testing.T) {
	decided := map[status.Source]int{}
	failures := 0
	for seed := range *modelCases {
		c := randomCase(rand.New(rand.NewPCG(uint64(seed), 13)))
		want := c.want()
		decided[want.source]++
		if want == c.got() {
			continue
		}
		c = c.shrink()
		t.Errorf("seed %d: %v\n got %v\nwant %v", seed, c, c.got(), c.want())
		if failures++; failures == 5 {
			t.FailNow()
		}
	}
	t.Log("cases by source:", decided)
	for source := status.SourceNone; source <= status.SourcePanic; source++ {
		if decided[source] == 0 {
			t.Errorf("no case was decided by %v", source)
		}
	}
}

// A modelCase is a call that failed: the handler's error, the RPC's context and the server.
type modelCase struct {
	err    *spec  // nil for success
	ctx    string // alive; cancelled; deadline; late: cancelled, and the deadline has passed; due: only the latter
	cause  *spec  // the context's cause, or nil
	server status.Encoder
	rules  []string // keys of modelRules

	// Set by the model, of a status that carries no code.
	unread   *errdetails.ErrorInfo // a received one
	fallback codes.Code            // its own, or nil
}

// TestModel compares verdicts.
type verdict struct {
	source, otherwise status.Source
	withheld          bool
	code              codes.Code     // nil if none is carried
	decoded           codes.Code     // what a client with the same tables finds, or nil
	canonical         grpccodes.Code // GRPCCode
	sent              grpccodes.Code // grpc-status
	message           string
	details           string // the types of all details, sorted behind those that come first
	pushback          bool
}

// A spec describes an error. The kind says which of the other fields count.
type spec struct {
	kind     string
	inner    []*spec
	n        int  // levels of a deep chain, plain errors in a wide join, number of an OpenIM error
	last     bool // in a wide join the inner error is the last
	code     codes.Code
	message  string
	reworded bool     // message is that of WithMessage
	details  []string // keys of modelDetails
	delay    time.Duration
	raw      grpccodes.Code        // grpc-status
	info     *errdetails.ErrorInfo // of a received or a gRPC status, or nil
	client   status.Decoder        // of a received status
}

const (
	typeErrorInfo  = "google.rpc.ErrorInfo"
	typeDebugInfo  = "google.rpc.DebugInfo"
	typeRetryInfo  = "google.rpc.RetryInfo"
	typeBadRequest = "google.rpc.BadRequest"
	typeHelp       = "google.rpc.Help"
	typeOpenIM     = "openim.protobuf.ErrorInfo"
)

// A statement is what an error says about itself: a Status error, a received status, or a gRPC
// status. It is also what is to be sent.
type statement struct {
	source    status.Source
	code      codes.Code
	canonical grpccodes.Code // OK: that of the code's row
	byNumber  bool           // a raw number names the code, and the server's row says what is canonical
	message   string
	shop      *string  // the parameter of the template of shopClosed, or nil
	fixed     bool     // WithMessage("")
	own       bool     // a gRPC status that was made in this process
	reworded  bool     // its message isn't its own any more
	details   []string // types
	delay     time.Duration
	info      *errdetails.ErrorInfo // sent with a status that carries no code
	received  *reception            // what of the status was received, or nil
}

// A reception is the part of a status that is sent only if the connection's trust lets it pass.
type reception struct {
	passes  bool
	message string
	noText  bool // an assumed code, whose status gRPC may have made, without full trust
	details []string
	raw     bool // with a raw number
}

// want returns what Encode's documentation says.
func (c *modelCase) want() verdict {
	if c.err == nil { // row 1
		return verdict{}
	}
	r := c.read(c.err)
	if r.encoded != nil { // row 2
		return c.again(r.encoded)
	}
	st := c.decide(c.err, r)
	if c.alive() || !endedDecides(st, r) {
		return c.send(st)
	}
	v := c.contextSays() // row 5
	v.source = status.SourceContext
	if !r.saysEnded {
		v.otherwise, v.withheld = st.source, true
	}
	return v
}

// alive reports whether the RPC's context is alive. Silent: a context whose deadline has passed
// has ended, even if its Err doesn't say so yet.
func (c *modelCase) alive() bool { return c.ctx == "alive" }

// decide applies all rows but 1, 2 and 5.
func (c *modelCase) decide(s *spec, r *reading) *statement {
	switch {
	case r.stated != nil: // row 3
		return r.stated
	case r.panicked:
		return c.internal(status.SourceUnknown)
	}
	if st := c.rule(s, r); st != nil { // row 4
		return st
	}
	switch {
	case r.deadline && c.alive(): // row 6
		return ended(status.SourceDeadline, grpccodes.DeadlineExceeded)
	case r.received != nil && r.received.received.passes: // row 7
		if r.received.received.noText { // silent: which of the rows 7 and 8 this is
			r.received.source = status.SourceUpstream
		}
		return r.received
	case r.received != nil: // row 8
		return c.withheld(r.received)
	case r.grpc != nil && (r.grpc.source == status.SourceGRPCStatus || r.grpc.code != nil): // rows 9 and 10
		if c.hides(r.grpc) {
			r.grpc.source = status.SourceGRPCWithheld
		}
		return r.grpc
	case r.panics: // row 12
		return c.internal(status.SourcePanic)
	case r.unsendable != nil && r.grpc == nil: // silent: the number of a gRPC status comes before it
		return &statement{source: status.SourceUnknown, code: r.unsendable.Table().DefaultFor(grpccodes.Internal)}
	}
	return c.internal(status.SourceUnknown) // row 11
}

// endedDecides reports whether row 5 applies in a context that has ended.
func endedDecides(st *statement, r *reading) bool {
	switch st.source {
	case status.SourceCode, status.SourceOpenIMError, status.SourceRule:
		return false
	case status.SourceUpstream:
		return r.saysEnded || st.received == nil // else it passes, with a fixed message
	case status.SourceUnknown:
		// Silent: an error that is too large to be printed doesn't count as one whose methods panic.
		silent := r.noError || r.typedNil || r.unprintable && !r.tooLarge
		return !r.panicked && (r.saysEnded || !silent)
	}
	return r.saysEnded
}

// contextSays returns what row 5 sends.
func (c *modelCase) contextSays() verdict {
	if c.ctx != "due" && c.cause != nil && c.cause.kind != "canceled" && c.cause.kind != "deadline" {
		r := c.read(c.cause)
		if r.encoded != nil { // silent: it is a status of this process
			return c.send(convert(c.cause))
		}
		switch st := c.decide(c.cause, r); st.source {
		case status.SourceUnknown, status.SourcePanic:
			v := c.ownError()
			v.withheld = true // silent: the caller doesn't read the cause's text
			return v
		default:
			return c.send(st)
		}
	}
	return c.ownError()
}

// ownError returns what is sent if the context's own error is all that is said.
func (c *modelCase) ownError() verdict {
	if c.ctx == "cancelled" {
		return c.send(ended(status.SourceContext, grpccodes.Canceled))
	}
	return c.send(ended(status.SourceContext, grpccodes.DeadlineExceeded))
}

func ended(source status.Source, canonical grpccodes.Code) *statement {
	text := context.Canceled.Error()
	if canonical == grpccodes.DeadlineExceeded {
		text = context.DeadlineExceeded.Error()
	}
	return &statement{source: source, canonical: canonical, message: text}
}

// again returns what an Encoder without options has sent.
func (c *modelCase) again(s *spec) verdict {
	first := &modelCase{err: s, ctx: "alive"}
	v := first.want()
	c.unread, c.fallback = first.unread, first.fallback
	v.source, v.decoded = status.SourceEncoded, c.decodes(v.code)
	v.withheld = false // it was logged when it was encoded
	return v
}

func (c *modelCase) internal(source status.Source) *statement {
	return &statement{source: source, code: c.tables()[0].DefaultFor(grpccodes.Internal)}
}

func (c *modelCase) withheld(st *statement) *statement {
	// Silent: a raw number of a server that isn't trusted is never UNAVAILABLE.
	if (st.canonical == grpccodes.Unavailable || st.canonical == grpccodes.DeadlineExceeded) && !st.byNumber {
		return &statement{source: status.SourceUpstream, canonical: st.canonical, message: upstreamText(st.canonical)}
	}
	return c.internal(status.SourceUpstream)
}

func upstreamText(canonical grpccodes.Code) string {
	switch canonical {
	case grpccodes.Unavailable:
		return "an upstream service is unavailable"
	case grpccodes.DeadlineExceeded:
		return "an upstream service did not answer in time"
	}
	return "an upstream service failed"
}

// hides reports whether WithheldMessages withhold the text of a gRPC status.
func (c *modelCase) hides(st *statement) bool {
	return st.own && !st.reworded && slices.Contains(c.server.WithheldMessages, st.canonical)
}

func (c *modelCase) rule(s *spec, r *reading) *statement {
	for _, name := range c.rules {
		switch {
		case name == "target" && r.target:
			return &statement{source: status.SourceRule, code: codes.Args}
		case name == "eof" && r.eof:
			return &statement{source: status.SourceRule, code: shopClosed}
		case name == "canceled" && r.canceled:
			return &statement{source: status.SourceRule, code: codes.SrvCallback}
		case name == "func" && r.forFunc && !r.tooLarge:
			return &statement{source: status.SourceRule, code: codes.DuplicateKey, message: "by a rule", details: []string{typeBadRequest}, delay: time.Second}
		case (name == "convert" || name == "reword") && s.kind == "received":
			st := receive(s)
			if st.source = status.SourceRule; name == "reword" {
				st.message = "reworded"
			}
			return st
		}
	}
	return nil
}

// send returns what the caller gets.
func (c *modelCase) send(st *statement) verdict {
	v := verdict{source: st.source, code: st.code, canonical: st.canonical, message: strings.Trim(st.message, " ")}
	v.withheld = slices.Contains([]status.Source{status.SourceUpstream, status.SourceGRPCWithheld, status.SourceUnknown, status.SourcePanic}, st.source)
	v.pushback = st.delay != 0 && c.server.RetryPushback
	in := cmp.Or(st.received, &reception{passes: true})
	hidden := c.hides(st)
	if hidden {
		v.withheld = v.withheld || st.message != ""
		v.message = ""
	}
	if v.message == "" && !st.fixed && in.message != "" {
		if in.passes && !in.noText {
			v.message = strings.Trim(in.message, " ")
		} else {
			v.withheld = true
		}
	}
	if st.code != nil {
		if row := c.row(st.code); v.message == "" && row.Template != "" && st.shop != nil {
			v.message = strings.Trim(strings.ReplaceAll(row.Template, "{shop}", *st.shop), " ")
		}
		v.message = cmp.Or(v.message, c.row(st.code).Message)
		if st.canonical == grpccodes.OK || st.byNumber {
			v.canonical = c.row(st.code).GRPCCode
		}
	} else if st.own && (st.fixed || hidden) {
		// Silent: if the status carries a code, the row is that code's.
		v.message = cmp.Or(v.message, c.row(c.tables()[0].DefaultFor(st.canonical)).Message)
	} else if st.fixed || !in.passes {
		v.message = cmp.Or(v.message, upstreamText(st.canonical))
	}
	v.sent = v.canonical
	numeric := c.numeric(st.code)
	if numeric {
		v.sent = grpccodes.Code(st.code.Number())
	}

	if c.fallback = nil; st.code != nil && st.code.Number() < 0 {
		c.fallback, v.code = st.code, nil
	}

	types := map[string]bool{typeErrorInfo: st.code != nil, typeOpenIM: numeric}
	for _, d := range st.details {
		types[d] = types[d] || (d != typeDebugInfo || c.server.DebugInfo) && (d != typeErrorInfo || st.code == nil)
	}
	for _, d := range in.details {
		private := d == typeDebugInfo || d == typeOpenIM && in.raw && !numeric && c.server.OpenIMErrors != status.OpenIMErrorsWithDetail
		types[d] = types[d] || in.passes && !private
	}
	if st.delay != 0 {
		types[typeRetryInfo] = st.delay > 0
	}
	maps.DeleteFunc(types, func(name string, sent bool) bool {
		return !sent || name == typeOpenIM && numeric || name == typeErrorInfo && v.code != nil
	})
	all := slices.Sorted(maps.Keys(types))
	if v.code != nil {
		all = slices.Insert(all, 0, typeErrorInfo)
	}
	if numeric {
		all = slices.Insert(all, 0, typeOpenIM)
	}
	v.details = strings.Join(all, " ")
	if c.unread = nil; in.passes && st.code == nil {
		c.unread = st.info
	}
	v.decoded = c.decodes(v.code)
	return v
}

// numeric reports whether the numeric form is sent.
func (c *modelCase) numeric(code codes.Code) bool {
	if !c.server.OpenIMForm || code == nil || code.Number() <= 16 {
		return false
	}
	first := c.tables()[0] // a number without a row is one of the first table
	if i := slices.IndexFunc(c.tables(), func(t *codes.Table) bool { return t.Has(code.Number()) }); i >= 0 {
		first = c.tables()[i]
	}
	return first.Domain() == code.Table().Domain()
}

// decodes returns the code that a client with the server's tables reads.
func (c *modelCase) decodes(sent codes.Code) codes.Code {
	switch {
	case sent == nil: // silent: the server can know a domain that the reader of a status didn't know
		code, _ := identify(&spec{info: c.unread}, c.tables())
		return code
	case tableOf(c.tables(), sent.Table().Domain()) == nil:
		return nil
	}
	return sent
}

func (c *modelCase) tables() []*codes.Table { return known(c.server.Tables) }

// row returns the code's row as the server sends it.
func (c *modelCase) row(code codes.Code) codes.Row { return rowIn(c.server.Tables, code) }

func rowIn(tables []*codes.Table, code codes.Code) codes.Row {
	row, _ := cmp.Or(tableOf(tables, code.Table().Domain()), code.Table()).Lookup(code.Number())
	return row
}

// known returns the tables with the default one, which is always known.
func known(tables []*codes.Table) []*codes.Table {
	if tableOf(tables, codes.Default().Domain()) != nil {
		return tables
	}
	return append(slices.Clip(tables), codes.Default())
}

func tableOf(tables []*codes.Table, domain string) *codes.Table {
	for _, table := range tables {
		if table.Domain() == domain {
			return table
		}
	}
	return nil
}

// A reading is what one walk through an error finds, until it finds a code.
type reading struct {
	stated, received, grpc    *statement // the first of each
	encoded                   *spec
	canceled, deadline        bool // context errors
	saysEnded                 bool // a context error, or a status CANCELLED or DEADLINE_EXCEEDED
	noError, typedNil, panics bool
	unsendable                codes.Code
	panicked                  bool // a method that the walk calls
	unprintable               bool // a method panics that the walk doesn't call
	tooLarge                  bool
	target, forFunc, eof      bool // what errors.Is finds
	errors                    int
}

func (c *modelCase) read(s *spec) *reading {
	r := new(reading)
	c.visit(r, s, 1)
	r.saysEnded = r.saysEnded || r.canceled || r.deadline
	r.tooLarge = r.tooLarge || r.errors > 1000
	return r
}

// visit reads s, and then what it wraps. Beyond level 64 it goes on beside.
func (c *modelCase) visit(r *reading, s *spec, level int) {
	if r.stated != nil || r.encoded != nil || r.panicked {
		return
	}
	if level > 64 || r.errors >= 1000 {
		r.tooLarge = true
		return
	}
	r.errors++
	switch s.kind {
	case "code", "status", "restated", "params":
		r.stated = c.states(s)
		if r.stated.code == codes.NoError { // NoError is ignored
			r.stated, r.noError = nil, true
			if s.kind == "status" {
				r.errors++ // the Status error wraps its code too
			}
		} else if (s.kind == "code" || s.kind == "params") && s.code.Number() < 0 {
			r.stated, r.unsendable = nil, cmp.Or(r.unsendable, s.code)
		}
	case "openim":
		r.stated = c.adapt(s)
	case "received": // opaque
		in := receive(s)
		r.received, r.saysEnded = cmp.Or(r.received, in), r.saysEnded || endCode(in.canonical)
	case "grpc": // silent: a raw number doesn't say that a context has ended
		if s.raw != grpccodes.OK {
			r.grpc, r.saysEnded = cmp.Or(r.grpc, made(s, c.tables())), r.saysEnded || endCode(s.raw)
		}
	case "encoded":
		r.encoded = s.inner[0]
	case "canceled":
		r.canceled = true
	case "deadline", "isDeadline":
		r.deadline = true
	case "target", "isTarget":
		r.target = true
	case "func":
		r.forFunc = true
	case "eof":
		r.eof = true
	case "recovered":
		r.panics = true
	case "typedNil":
		r.typedNil = true
	case "panicsInIs", "panicsInUnwrap", "panicsInGRPCStatus", "typedNilPanics":
		r.panicked = true
	case "panicsInError", "panicsInAs":
		r.unprintable = true
	case "loop":
		r.tooLarge = true
		r.errors += 64 - level
	case "deep":
		level, r.errors = level+s.n-1, r.errors+s.n-1
	case "wide":
		if s.last {
			r.errors += s.n
		}
	}
	for _, inner := range s.inner {
		c.visit(r, inner, level+1)
	}
	if s.kind == "wide" && !s.last {
		r.errors += s.n
	}
}

func endCode(canonical grpccodes.Code) bool {
	return canonical == grpccodes.Canceled || canonical == grpccodes.DeadlineExceeded
}

// adapt returns the statement of an OpenIMError, or nil.
func (c *modelCase) adapt(s *spec) *statement {
	i := slices.IndexFunc(c.tables(), func(t *codes.Table) bool { return t.Has(codes.Number(s.n)) })
	if c.server.OpenIMErrors == status.OpenIMErrorsIgnored || s.n <= 0 || i < 0 {
		return nil
	}
	st := &statement{source: status.SourceOpenIMError, code: c.tables()[i].Code(codes.Number(s.n)), message: s.message}
	if c.server.OpenIMErrors == status.OpenIMErrorsWithDetail {
		st.details = []string{typeOpenIM}
	}
	return st
}

// states returns the statement of a code, or of a Status error.
func (c *modelCase) states(s *spec) *statement {
	st := &statement{code: s.code}
	switch s.kind {
	case "status":
		st.message = s.message
	case "params":
		st.shop = &s.message
	case "restated":
		st = convert(s.inner[0])
		if s.code != nil {
			st.code, st.byNumber = s.code, false
		}
		if s.reworded {
			st.message, st.fixed, st.reworded = s.message, strings.Trim(s.message, " ") == "", true
		}
	}
	st.source = status.SourceCode
	for _, d := range s.details {
		st.details = append(st.details, modelDetails[d].name)
		if d == "foreign info" { // replaces another
			st.info = nil
		}
	}
	st.delay = cmp.Or(s.delay, st.delay)
	if st.code != nil && st.code.Number() < 0 {
		st.code = st.code.Table().DefaultFor(grpccodes.Internal)
	}
	return st
}

// convert returns the statement of Convert(err) with a With method. Convert knows no server.
func convert(s *spec) *statement {
	c := new(modelCase)
	r := c.read(s)
	switch {
	case r.stated != nil:
		return r.stated
	case r.encoded != nil:
		v := c.again(r.encoded)
		return &statement{own: true, reworded: true, code: cmp.Or(v.code, c.fallback), canonical: v.canonical, message: v.message, details: strings.Fields(v.details), info: c.unread}
	case r.received != nil && !r.panicked:
		return r.received
	case r.grpc != nil && !r.panicked: // it was made in this process: all of it is sent
		return r.grpc
	case r.unsendable != nil:
		return &statement{code: r.unsendable.Table().DefaultFor(grpccodes.Internal)}
	}
	return &statement{code: codes.ServerInternal}
}

// receive returns the statement of a received status.
func receive(s *spec) *statement {
	tables, trust := known(s.client.Tables), s.client.Trust
	st := made(s, tables)
	if s.client.IgnoreOpenIMNumbers && st.byNumber {
		st.code, st.byNumber, st.canonical = nil, false, grpccodes.Unknown
	}
	// Silent: a raw number without a row isn't assumed to be UNKNOWN.
	assumed := st.code == nil && s.info == nil && s.client.AssumeCodes && s.raw <= 16
	if assumed {
		st.code = tables[0].DefaultFor(st.canonical)
	}
	if st.code != nil && st.code.Number() < 0 { // a fallback is no code to assume
		st.code, assumed = nil, false
	}
	st.received = &reception{
		passes:  trust == status.TrustAll || trust == status.TrustKnown && st.code != nil,
		noText:  assumed && trust != status.TrustAll && testrpc.MadeByGRPC(st.canonical),
		message: st.message, details: st.details, raw: s.raw > 16,
	}
	st.source, st.message, st.details, st.own = status.SourceForwarded, "", nil, false
	return st
}

// made returns the statement of a gRPC status that was made in this process.
func made(s *spec, tables []*codes.Table) *statement {
	code, byNumber := identify(s, tables)
	st := &statement{source: status.SourceGRPCStatus, own: true, code: code, canonical: s.raw, byNumber: byNumber, message: s.message, info: s.info}
	if s.raw > 16 {
		// Silent: the canonical code of a raw number beside an ErrorInfo is that of the code's row.
		st.source, st.canonical = status.SourceNumber, grpccodes.Unknown
		if code != nil {
			st.canonical = rowIn(tables, code).GRPCCode
		}
	}
	if s.info != nil {
		st.details = append(st.details, typeErrorInfo)
	}
	for _, d := range s.details {
		st.details = append(st.details, modelDetails[d].name)
	}
	return st
}

var aip193Reason = regexp.MustCompile(`^[A-Z][A-Z0-9_]+[A-Z0-9]$`)

// identify returns the code that a status carries, or nil, and whether its raw number names it.
func identify(s *spec, tables []*codes.Table) (code codes.Code, byNumber bool) {
	var said codes.Number // by the ErrorInfo
	if n, err := strconv.ParseInt(s.info.GetMetadata()["code"], 10, 32); err == nil && n > 0 {
		said = codes.Number(n)
	}
	table, reason := tableOf(tables, s.info.GetDomain()), s.info.GetReason()
	if table != nil {
		if !aip193Reason.MatchString(reason) {
			reason = ""
		}
		if row, ok := table.ByReason(reason); ok {
			return row.Code, false
		}
		if said > 0 && (reason == "" || reason == fmt.Sprint("ERROR_CODE_", said) || !table.Has(said)) {
			return table.Code(said), false
		}
	}
	number := codes.Number(int32(s.raw))
	if s.raw <= 16 || table == nil && said == number { // the number belongs to a foreign domain
		return nil, false
	}
	for _, table := range tables {
		if table.Has(number) {
			return table.Code(number), true
		}
	}
	return nil, false
}
