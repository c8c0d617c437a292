// Package connectstatus has what the documentation uses of
// github.com/errstatus/errstatus/integrations/connect, which is a module of its own.
package connectstatus

import "github.com/errstatus/errstatus/interceptor"

func ServerInterceptor(s *interceptor.Server) any { return nil }
func ClientInterceptor(c *interceptor.Client) any { return nil }
