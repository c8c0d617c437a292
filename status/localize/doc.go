// Package localize picks the text of a failure in the caller's language, from the localized
// texts of a table. It is in a package of its own because it links the tables of
// golang.org/x/text/language. A server adds the text to each failure:
//
//	localizer := localize.New(billing.CardDeclined.Table())
//	server := grpc.NewServer(interceptor.ServerOptions(interceptor.WithLocalizer(localizer.Amend))...)
//
// The caller gets it as a google.rpc.LocalizedMessage beside the English message, and shows it
// with status.UserMessage.
package localize
