"""The requests of programs to the service that synchronises hosts, as its document shows, with httpx.

sync_client.py BASE_URL

Prints one JSON object of the answers.
"""

import json
import sys
from datetime import datetime

import httpx

with httpx.Client(base_url=sys.argv[1]) as client:
    health = client.get("/health").json()
    datetime.fromisoformat(health["timestamp"])
    every = client.post("/sync/all")
    live = client.post("/sync/live/all")
    one = client.post("/sync/0327", json={
        "enterprise_id": "0327", "date_from": "2025-07-03", "date_to": "2025-07-03",
    })
    docs = client.get("/docs")
    print(json.dumps({
        "running": client.get("/").json()["status"],
        "health": health["status"],
        "enterprises": client.get("/enterprises").json()["enterprises"],
        "status": client.get("/sync/status").json()["sync_status"],
        "all": [every.status_code, every.json()["started_tasks"]],
        "live": [live.status_code, live.json()["type"]],
        "one": [one.status_code, one.json()["detail"]],
        "without_a_body": client.post("/sync/0327").status_code,
        "docs": [docs.status_code, docs.headers["content-type"]],
    }))
