package localize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/template"
	"github.com/errstatus/errstatus/internal/violations"
	"github.com/errstatus/errstatus/status"
)

// A Localizer picks texts by language. It is immutable and safe for concurrent use. Make it
// with [New]: the methods of a nil and of a zero Localizer panic.
type Localizer struct {
	tables map[string]texts // by domain, those that New was given
	others *sync.Map        // of *codes.Table to texts, those of other codes
	fields fieldTexts
}

// texts are the choices of a table's rows, by number.
type texts map[codes.Number]choice

// New returns a Localizer with the texts of the tables, by their domains. Without any it has
// those of codes.Default(). For a code of another domain it uses the code's own table. To add
// texts to a table, use codes.Translate.
//
// New panics if a table is nil or empty, if two have one domain, or if the locale of a text has
// a subtag that isn't registered. For a code of another domain, such a text in the code's own table
// is ignored.
func New(tables ...*codes.Table) *Localizer {
	if len(tables) == 0 {
		tables = []*codes.Table{codes.Default()}
	}
	l := &Localizer{tables: make(map[string]texts), others: new(sync.Map)}
	for _, t := range tables {
		if t == nil || t.Len() == 0 {
			panic("localize: New: a table is nil or has no rows: give the Table of your codes, or what codes.Translate returns")
		}
		if _, ok := l.tables[t.Domain()]; ok {
			panic(fmt.Sprintf("localize: New: two tables of domain %q: give only one: codes.Translate adds texts to a table", t.Domain()))
		}
		found, err := textsOf(t)
		if err != nil {
			panic(fmt.Sprintf("localize: New: table %q: %v", t.Domain(), err))
		}
		l.tables[t.Domain()] = found
	}
	return l
}

// textsOf returns the texts of a table. It leaves out those with a wrong locale, and returns
// an error that lists them.
func textsOf(table *codes.Table) (texts, error) {
	var wrong []error
	m := make(matchers)
	found := make(texts)
	for row := range table.All() {
		c, err := m.choice(row.Localized)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("reason %s: %w", row.Reason, err))
		}
		found[row.Code.Number()] = c
	}
	return found, errors.Join(wrong...)
}

// fieldTexts has the descriptions of field violations, by their reasons.
type fieldTexts map[string]fieldText

type fieldText struct {
	choice
	all []codes.LocalizedMessage
}

// WithFieldTexts returns a copy with descriptions of field violations in one language, by the
// reasons of the violations, or by the ids of protovalidate's rules: string.email is the same as
// STRING_EMAIL.
//
//	localizer, err = localizer.WithFieldTexts("pt-BR", map[string]string{"STRING_EMAIL": "não é um e-mail"})
//
// [Localizer.Amend] puts them into the localized_message of each violation of a BadRequest that
// has the reason and no localized_message. A text replaces an earlier one of its locale and
// reason.
//
// It returns an error if the locale is not a language tag of BCP 47 or has a subtag that isn't
// registered. Otherwise the error joins one for each text that is wrong: the key makes no reason
// by the rule of status.Status.WithFieldViolation, two keys make the same one, or the text is
// empty or not UTF-8.
func (l *Localizer) WithFieldTexts(locale string, texts map[string]string) (*Localizer, error) {
	m := make(matchers)
	if _, err := m.choice([]codes.LocalizedMessage{{Locale: locale}}); err != nil {
		return nil, fmt.Errorf("localize: WithFieldTexts: %w", err)
	}
	changed := *l
	changed.fields = make(fieldTexts, len(l.fields)+len(texts))
	maps.Copy(changed.fields, l.fields)
	keys := make(map[string]string, len(texts)) // by reason
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		text, reason := texts[key], violations.Reason(key)
		all := withText(l.fields[reason].all, codes.LocalizedMessage{Locale: locale, Message: text})
		c, err := m.choice(all)
		switch other := keys[reason]; {
		case reason == "":
			err = errors.New("the key is no reason: use that of the violations, such as STRING_EMAIL")
		case other != "":
			err = fmt.Errorf("the key %q is the same reason: remove one of them", other)
		case text == "" || !utf8.ValidString(text):
			err = errors.New("the text is empty or not UTF-8: give a description in that language, or leave it out")
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("localize: WithFieldTexts: locale %q: text %q of %q: %w", locale, text, key, err))
		}
		keys[reason] = key
		changed.fields[reason] = fieldText{c, all}
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	return &changed, nil
}

// Message returns the text of st's code in the language that the caller prefers, or nil. The
// text is the localized template of the code's row, filled with the metadata of st, which has
// the parameters of typed errors. If there is no template or a parameter is missing, it is the
// localized message of the row.
//
// accept has values of the header Accept-Language (RFC 9110, section 12.5.4). A value can also
// be one language tag, such as a preference that a user has set. Earlier values win: a later one
// only counts if nothing matches those before it. Message returns nil
//
//   - if st is nil or carries no code, or the code has no row;
//   - if no text is in a language that the caller understands. Simplified Chinese counts as
//     understood by a reader of traditional Chinese;
//   - if English matches best: the message of st is in English. A row can have another text for
//     people with the locale "en", which is returned then;
//   - if the row has no text in the matching language.
//
// Of accept, at most 256 bytes and 10 tags are read. A malformed entry is skipped, and the
// others count. So is one with q=0, and *, which says nothing about a language.
func (l *Localizer) Message(st *status.Status, accept ...string) *errdetails.LocalizedMessage {
	p := readPreferences(accept)
	return l.message(st, &p)
}

func (l *Localizer) message(st *status.Status, p *preferences) *errdetails.LocalizedMessage {
	code, ok := st.Declared()
	if !ok {
		return nil
	}
	m := l.textsFor(code.Table())[code.Number()].pick(p)
	text := m.Message
	if m.Template != "" {
		metadata := st.Metadata()
		filled, ok := template.Fill(m.Template, func(name string) (value string, ok bool) {
			value, ok = metadata[name]
			return value, ok
		})
		if ok {
			text = filled
		}
	}
	if text == "" {
		return nil
	}
	return &errdetails.LocalizedMessage{Locale: m.Locale, Message: text}
}

// textsFor returns the texts for the codes that have a table as their own.
func (l *Localizer) textsFor(own *codes.Table) texts {
	if given, ok := l.tables[own.Domain()]; ok {
		return given
	}
	if kept, ok := l.others.Load(own); ok {
		return kept.(texts)
	}
	made, _ := textsOf(own)
	kept, _ := l.others.LoadOrStore(own, made)
	return kept.(texts)
}

// Amend returns st with a google.rpc.LocalizedMessage of [Localizer.Message], and with the
// texts of [Localizer.WithFieldTexts], in the language that the incoming metadata of ctx asks
// for; see [FromIncoming]. If there is nothing to add, it returns st. A LocalizedMessage that st
// has stays: the handler or an upstream has chosen it. Amend changes nothing else. Of a
// BadRequest it changes the first 1,000 violations.
//
// It is for interceptor.WithLocalizer.
func (l *Localizer) Amend(ctx context.Context, st *status.Status) *status.Status {
	p := readPreferences(FromIncoming(ctx))
	if p.values == 0 {
		return st
	}
	var added []proto.Message
	err := st.Err()
	if _, ok := status.Detail[*errdetails.LocalizedMessage](err); !ok {
		if m := l.message(st, &p); m != nil {
			added = append(added, m)
		}
	}
	if len(l.fields) > 0 {
		badRequest, ok := status.Detail[*errdetails.BadRequest](err)
		if ok && l.fields.addTo(badRequest, &p) {
			added = append(added, badRequest)
		}
	}
	if added == nil {
		return st
	}
	return st.WithDetails(added...)
}

// maxViolations is how many violations of a BadRequest get a text. A status usually has no room
// for more, and an upstream can send many.
const maxViolations = 1000

// addTo adds texts to the violations of a BadRequest, and reports whether it added one.
func (f fieldTexts) addTo(badRequest *errdetails.BadRequest, p *preferences) (added bool) {
	violations := badRequest.GetFieldViolations()
	for _, v := range violations[:min(len(violations), maxViolations)] {
		text, ok := f[v.GetReason()]
		if !ok || v.GetLocalizedMessage() != nil {
			continue
		}
		if m := text.pick(p); m.Message != "" {
			v.LocalizedMessage = &errdetails.LocalizedMessage{Locale: m.Locale, Message: m.Message}
			added = true
		}
	}
	return added
}

// FromIncoming returns the values of Accept-Language in the incoming gRPC metadata of a server's
// context: those of accept-language, and then those of grpcgateway-accept-language, under which
// a grpc-gateway forwards the HTTP header. It returns nil if there are none.
func FromIncoming(ctx context.Context) []string {
	return append(metadata.ValueFromIncomingContext(ctx, "accept-language"),
		metadata.ValueFromIncomingContext(ctx, "grpcgateway-accept-language")...)
}
