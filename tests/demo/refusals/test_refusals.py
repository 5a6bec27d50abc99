from gateway.demo.refusals import Refused


def test_an_envelope_has_all_four_members() -> None:
    assert Refused(404, "No.", param="model", code="gone").envelope() == {
        "error": {
            "message": "No.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "gone",
        }
    }
    assert Refused(500, "No.", type="server_error").envelope() == {
        "error": {"message": "No.", "type": "server_error", "param": None, "code": None}
    }


def test_a_refusal_reads_as_its_message() -> None:
    assert str(Refused(400, "No.")) == "No."
