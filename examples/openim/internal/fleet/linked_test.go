package fleet_test

import (
	"testing"

	_ "github.com/openimsdk/protocol/auth"
	_ "github.com/openimsdk/protocol/conversation"
	_ "github.com/openimsdk/protocol/errinfo"
	_ "github.com/openimsdk/protocol/group"
	_ "github.com/openimsdk/protocol/msg"
	_ "github.com/openimsdk/protocol/msggateway"
	_ "github.com/openimsdk/protocol/push"
	_ "github.com/openimsdk/protocol/relation"
	_ "github.com/openimsdk/protocol/rtc"
	_ "github.com/openimsdk/protocol/sdkws"
	_ "github.com/openimsdk/protocol/statistics"
	_ "github.com/openimsdk/protocol/third"
	_ "github.com/openimsdk/protocol/user"
	_ "github.com/openimsdk/protocol/wrapperspb"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/errstatus/errstatus/codes/annotations"
)

// The test's program links OpenIM's whole protocol and errstatus. It wouldn't start if a
// name were registered twice. The test checks that OpenIM's own files register the names
// in OpenIM's packages.
func TestLinked(t *testing.T) {
	for name, path := range map[protoreflect.FullName]string{
		"openim.protobuf.ErrorInfo": "errinfo/errinfo.proto",
		"openim.auth.Auth":          "auth/auth.proto",
	} {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil || d.ParentFile().Path() != path {
			t.Errorf("%s is %v (%v); want OpenIM's declaration in %s", name, d, err, path)
		}
	}
	if d, err := protoregistry.GlobalFiles.FindDescriptorByName("openim.sdk.error.ErrorCode"); err == nil {
		t.Errorf("%s is registered by %s; want no declaration with that name", d.FullName(), d.ParentFile().Path())
	}
}
