"""client.py ADDRESS DESCRIPTORS: calls the quickstart and prints the answers that
gRPC for Python gets. ../client_test.go defines the input and the output."""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "errstatus.quickstart.v1.Quickstart"
DETAILS = "grpc-status-details-bin"
TIMEOUT = 20  # seconds


def message_types(path):
    """Returns a function that returns the class of a message by its full name."""
    pool = descriptor_pool.DescriptorPool()
    with open(path, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    for file in files:
        pool.Add(file)
    # Later versions of protobuf don't have MessageFactory, older ones have only it.
    make = getattr(message_factory, "GetMessageClass", None)
    make = make or message_factory.MessageFactory(pool).GetPrototype
    return lambda name: make(pool.FindMessageTypeByName(name))


class Client:
    def __init__(self, channel, types):
        self.types = types
        self.fail = self.method(channel.unary_unary, "Fail")
        self.fail_stream = self.method(channel.unary_stream, "FailStream")

    def method(self, kind, name):
        request = self.types(f"errstatus.quickstart.v1.{name}Request")
        response = self.types(f"errstatus.quickstart.v1.{name}Response")
        call = kind(f"/{SERVICE}/{name}", request.SerializeToString, response.FromString)
        return lambda **fields: call(request(**fields), timeout=TIMEOUT)

    def answer(self, call):
        fields = {key: call[key] for key in ("code", "message", "metadata")}
        messages = 0
        try:
            if call["stream"]:
                for _ in self.fail_stream(messages=call["messages"], **fields):
                    messages += 1
            else:
                self.fail(**fields)
        except grpc.RpcError as error:
            return self.failure(messages, error)
        return answer(messages)

    def failure(self, messages, error):
        info = self.error_info(error)
        metadata = dict(info.metadata)
        return answer(
            messages,
            canonical=error.code().value[0],
            message=error.details(),
            reason=info.reason,
            domain=info.domain,
            number=int(metadata.pop("code", 0)),
            metadata=metadata,
        )

    def error_info(self, error):
        status = self.rich_status(error)
        for detail in status.details if status else ():
            if detail.type_url == "type.googleapis.com/google.rpc.ErrorInfo":
                return self.types("google.rpc.ErrorInfo").FromString(detail.value)
        return self.types("google.rpc.ErrorInfo")()

    def rich_status(self, error):
        """Does what grpc_status.rpc_status.from_call of another package does: raises
        an error if the code or the message differ from gRPC's own."""
        for key, value in error.trailing_metadata() or ():
            if key != DETAILS:
                continue
            status = self.types("google.rpc.Status").FromString(value)
            outer = error.code().value[0], error.details()
            if (status.code, status.message) != outer:
                raise ValueError(f"{DETAILS} has {status.code}, {status.message!r}, but the call ended with {outer}")
            return status
        return None


def answer(messages, canonical=0, message="", reason="", domain="", number=0, metadata=None):
    return {**locals(), "metadata": metadata or {}}


def main(address, descriptors):
    # Without this, gRPC uses a proxy from the environment, also for loopback.
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(address, options) as channel:
        client = Client(channel, message_types(descriptors))
        for line in sys.stdin:
            print(json.dumps(client.answer(json.loads(line))))


if __name__ == "__main__":
    main(*sys.argv[1:])
