package protoenum

import "testing"

func TestUpperSnake(t *testing.T) {
	for name, want := range map[string]string{
		"RecordNotFound":       "RECORD_NOT_FOUND",
		"Args":                 "ARGS",
		"SdkUserIDNotFound":    "SDK_USER_ID_NOT_FOUND",
		"SrvIOSBackgroundPush": "SRV_IOS_BACKGROUND_PUSH",
		"SdkMsgDecodeBinaryWs": "SDK_MSG_DECODE_BINARY_WS",
		"SdkMsgDeCompression":  "SDK_MSG_DE_COMPRESSION",
		"HTTP2Error":           "HTTP2_ERROR",
		"Error404":             "ERROR404",
		"UserID":               "USER_ID",
		"Record_not_found":     "RECORD_NOT_FOUND",
		"Sdk_Internal":         "SDK_INTERNAL",
		"NOT_FOUND":            "NOT_FOUND",
	} {
		if got := upperSnake(name); got != want {
			t.Errorf("upperSnake(%q) = %q; want %q", name, got, want)
		}
	}
}
