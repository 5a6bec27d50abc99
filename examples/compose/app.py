"""An app of 2022: it knows /v1/completions and a model that is long gone."""

import json
import os
import urllib.request

request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/completions",
    data=json.dumps({"model": "text-davinci-003", "prompt": "Say hello"}).encode(),
    headers={
        "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}",
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as reply:
    print(json.load(reply)["choices"][0]["text"])
    print("answered at", reply.headers["x-gateway-endpoint"])
