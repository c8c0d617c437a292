//go:build errdetails

package main

import _ "google.golang.org/genproto/googleapis/rpc/errdetails"
