package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/openimsdk/tools/errs"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
	"github.com/errstatus/errstatus/interceptor"
)

// A column is a server and a client that calls it.
type column struct {
	server fleet.Server
	client fleet.Client

	// want returns what the client should read for a code.
	want func(row codes.Row) fleet.Reading

	// wire returns the grpc-status that the server should send: a canonical code or
	// a raw number. It is nil for OpenIM's clients, whose errors don't have it.
	wire func(row codes.Row) grpccodes.Code
}

// A cell is the result of one call: what the client of a column read for a code.
type cell struct {
	column    column
	row       codes.Row
	got, want fleet.Reading

	gotWire, wantWire grpccodes.Code // grpc-status; 0 if wire is nil
}

// right reports whether the cell is as expected.
func (c cell) right() bool { return c.got == c.want && c.gotWire == c.wantWire }

// A matrix holds the results of all calls.
type matrix struct {
	columns []column
	rows    []codes.Row
	cells   map[string][]cell // by the row's name, in the order of the columns
}

// columns returns all columns. The client reads the right number in every column but
// two: OpenIM's clients don't read the number in a canonical status.
func columns() []column {
	var all []column
	add := func(s fleet.Server, mw, convert, errstatus func(codes.Row) fleet.Reading, wire func(codes.Row) grpccodes.Code) {
		all = append(all, column{s, fleet.OldClientMW, mw, nil}, column{s, fleet.OldClientConvert, convert, nil},
			column{s, fleet.NewClient, errstatus, wire}, column{s, fleet.AdaptedClient, errstatus, wire})
	}
	never, always, negotiated := fleet.New(interceptor.OpenIMNever), fleet.New(interceptor.OpenIMAlways), fleet.New(interceptor.OpenIMNegotiated)
	add(fleet.OldMW, whole(mwOfNoError), whole(mwOfNoError), whole(mwOfNoError), number(errs.ServerInternalError))
	add(fleet.OldConvert, whole(fleet.Reading{}), whole(fleet.Reading{}), whole(fleet.Reading{}), number(0)) // OpenIM sends NoError as success
	add(never, canonicalByMW, canonicalByConvert, whole(newOfNoError), canonicalCode)
	add(always, whole(newOfNoError), whole(newOfNoError), whole(newOfNoError), number(errs.ServerInternalError))
	add(negotiated, whole(newOfNoError), whole(newOfNoError), whole(newOfNoError), canonicalCode)
	return all
}

// number returns a function that returns the code's raw number, and ofNoError for
// NoError.
func number(ofNoError grpccodes.Code) func(codes.Row) grpccodes.Code {
	return func(row codes.Row) grpccodes.Code {
		if row.Code.Number() == 0 {
			return ofNoError
		}
		return grpccodes.Code(row.Code.Number())
	}
}

// canonicalCode returns the canonical code that a server sends for a code.
func canonicalCode(row codes.Row) grpccodes.Code {
	code, _ := canonical(row)
	return code
}

// handlers returns what the handler's CodeError has for a code.
func handlers(row codes.Row) fleet.Reading {
	return fleet.Reading{Code: int(row.Code.Number()), Msg: row.Name + "Error", Detail: "row 42"}
}

// What clients read if the handler returns a CodeError with the number of NoError.
var (
	mwOfNoError  = fleet.Reading{Code: errs.ServerInternalError, Msg: "NoErrorError", Detail: "row 42"}
	newOfNoError = fleet.Reading{Code: errs.ServerInternalError, Msg: "internal server error"}
)

// whole returns a function that returns the handler's code, message and detail, and
// ofNoError for NoError.
func whole(ofNoError fleet.Reading) func(codes.Row) fleet.Reading {
	return func(row codes.Row) fleet.Reading {
		if row.Code.Number() == 0 {
			return ofNoError
		}
		return handlers(row)
	}
}

// canonicalByMW returns what OpenIM's older client reads from a canonical status: the
// canonical code as a number, and no detail.
func canonicalByMW(row codes.Row) fleet.Reading {
	code, message := canonical(row)
	return fleet.Reading{Code: int(code), Msg: message}
}

// canonicalByConvert returns what OpenIM's newer client reads from a canonical status:
// 500 for every code.
func canonicalByConvert(row codes.Row) fleet.Reading {
	code, message := canonical(row)
	if code == grpccodes.Unavailable {
		return fleet.Reading{Code: errs.ServerInternalError, Msg: "grpc service auth down, grpc message " + message}
	}
	return fleet.Reading{Code: errs.ServerInternalError, Msg: errs.ErrInternalServer.Msg(), Detail: grpcstatus.Error(code, message).Error()}
}

// canonical returns the code and message that a server sends in a canonical status.
func canonical(row codes.Row) (grpccodes.Code, string) {
	if row.Code.Number() == 0 {
		return grpccodes.Internal, newOfNoError.Msg
	}
	return row.GRPCCode, handlers(row).Msg
}

// run makes all calls and returns the results.
func run() (*matrix, error) {
	m := &matrix{columns: columns(), cells: make(map[string][]cell)}
	for row := range codes.Default().All() {
		m.rows = append(m.rows, row)
	}
	for _, c := range m.columns {
		if err := m.fill(c); err != nil {
			return nil, fmt.Errorf("%s to %s: %w", c.server.Name, c.client.Name, err)
		}
	}
	return m, nil
}

// fill makes the calls of a column. The token of a call is the number of a code.
func (m *matrix) fill(c column) error {
	server := c.server.Serve(func(_ context.Context, token string) error {
		number, err := strconv.Atoi(token)
		if err != nil {
			return errs.ErrArgs.WrapMsg(err.Error())
		}
		row, _ := codes.Default().Lookup(codes.Number(number))
		h := handlers(row)
		return errs.NewCodeError(h.Code, h.Msg).WithDetail(h.Detail).Wrap()
	})
	defer server.Stop()
	var conn *grpc.ClientConn
	conn, err := c.client.Dial(server)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, row := range m.rows {
		err := fleet.ParseToken(conn, strconv.Itoa(int(row.Code.Number())))
		read := cell{column: c, row: row, got: c.client.Read(err), want: c.want(row)}
		if c.wire != nil {
			read.gotWire, read.wantWire = grpcstatus.Code(err), c.wire(row)
		}
		m.cells[row.Name] = append(m.cells[row.Name], read)
	}
	return nil
}

// wrong returns the cells that are not as expected.
func (m *matrix) wrong() (all []cell) {
	for _, row := range m.rows {
		for _, c := range m.cells[row.Name] {
			if !c.right() {
				all = append(all, c)
			}
		}
	}
	return all
}
