// Package missing has the numbers that OpenIM's live code sends and the enum
// openim.sdk.error.ErrorCode lacks, in a copy of errstatus's table. Without a row a
// received number is kept, but a server doesn't take it for a code: neither of a
// CodeError, nor in the place of a canonical code.
//
// Copy it, and leave out what your fleet doesn't send.
package missing

import (
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// The numbers, named after the constants in OpenIM's code.
const (
	UnknownCode         codes.ErrorCode = 1000  // open-im-server
	SecretNotChanged    codes.ErrorCode = 1050  // open-im-server
	OrgUserNoPermission codes.ErrorCode = 1520  // tools
	RegisterFailed      codes.ErrorCode = 10010 // open-im-server, as the next four
	ResetPasswordFailed codes.ErrorCode = 10011
	RegisterLimit       codes.ErrorCode = 10012
	LoginLimit          codes.ErrorCode = 10013
	Invitation          codes.ErrorCode = 10014
	MsgHasDeleted       codes.ErrorCode = 10207 // openim-sdk-core
)

// Table is errstatus's with them. Give it to all interceptors, by WithTable.
var Table = mustWith(
	row(UnknownCode, "UnknownCode", "UNKNOWN_CODE", grpccodes.Unknown, "unknown error"),
	row(SecretNotChanged, "SecretNotChanged", "SECRET_NOT_CHANGED", grpccodes.FailedPrecondition, "the secret has not been changed"),
	row(OrgUserNoPermission, "OrgUserNoPermission", "ORG_USER_NO_PERMISSION", grpccodes.PermissionDenied, "the organisation's user has no permission"),
	row(RegisterFailed, "RegisterFailed", "REGISTER_FAILED", grpccodes.Internal, "registration failed"),
	row(ResetPasswordFailed, "ResetPasswordFailed", "RESET_PASSWORD_FAILED", grpccodes.Internal, "resetting the password failed"),
	row(RegisterLimit, "RegisterLimit", "REGISTER_LIMIT", grpccodes.ResourceExhausted, "too many registrations"),
	row(LoginLimit, "LoginLimit", "LOGIN_LIMIT", grpccodes.ResourceExhausted, "too many logins"),
	row(Invitation, "Invitation", "INVITATION", grpccodes.InvalidArgument, "invalid invitation"),
	row(MsgHasDeleted, "MsgHasDeleted", "MSG_HAS_DELETED", grpccodes.FailedPrecondition, "the message has been deleted"),
)

func row(code codes.ErrorCode, name, reason string, canonical grpccodes.Code, message string) codes.Row {
	return codes.Row{Code: code, Name: name, Reason: reason, GRPCCode: canonical, Message: message}
}

func mustWith(rows ...codes.Row) *codes.Table {
	table, err := codes.Default().WithRows(rows...)
	if err != nil {
		panic(err)
	}
	return table
}
