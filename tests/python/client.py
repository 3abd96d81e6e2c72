"""The requests of the main service to the logger, as its document shows: a client of httpx for each post.

client.py BASE_URL

Prints one JSON object of the answers.
"""

import asyncio
import json
import sys
from datetime import datetime

import httpx

BASE = sys.argv[1]
UNIQUE_ID = "1759490248.0"


async def log_call_event(enterprise, unique_id, event_type, data):
    async with httpx.AsyncClient() as client:
        return await client.post(f"{BASE}/log/event", json={
            "enterprise_number": enterprise,
            "unique_id": unique_id,
            "event_type": event_type,
            "event_data": data,
        })


async def log_http_request(enterprise, unique_id, method, url, response_data, status_code, duration_ms):
    async with httpx.AsyncClient() as client:
        return await client.post(f"{BASE}/log/http", json={
            "enterprise_number": enterprise,
            "unique_id": unique_id,
            "method": method,
            "url": url,
            "response_data": response_data,
            "status_code": status_code,
            "duration_ms": duration_ms,
        })


async def log_other(kind, fields):
    async with httpx.AsyncClient() as client:
        body = {"enterprise_number": "0367", "unique_id": UNIQUE_ID, **fields}
        return await client.post(f"{BASE}/log/{kind}", json=body)


async def main():
    answers = [
        await log_call_event("0367", UNIQUE_ID, "dial", {
            "Phone": "375290001234",
            "Extensions": ["150"],
            "Trunk": "0001363",
            "CallType": 1,
        }),
        await log_http_request(
            "0367", UNIQUE_ID, "GET", "http://localhost:8020/metadata/0367/manager/150",
            {"full_name": "Анна Сидорова", "internal_phone": "150"}, 200, 245.3,
        ),
        await log_other("sql", {
            "query": "SELECT raw_data->'ConnectedLineNum' FROM call_events WHERE raw_data->>'Token' = $1",
            "parameters": ["375290000000"],
            "result": {"internal_num": "150"},
            "duration_ms": 12.5,
        }),
        await log_other("telegram", {
            "chat_id": 100000001,
            "message_type": "dial",
            "message_id": 13165,
            "message_text": "📞 Исходящий звонок...",
            "action": "send",
        }),
    ]
    async with httpx.AsyncClient(base_url=BASE) as client:
        service = await client.get("/")
        health = await client.get("/health")
        trace = await client.get(f"/trace/{UNIQUE_ID}")
        found = await client.get("/search", params={
            "enterprise": "0367", "phone": "+375 (29) 000-12-34", "limit": 10,
        })
        too_long = await client.post("/log/event", json={"event_data": {"x": "y" * (11 << 20)}})
        packed = await asyncio.gather(*(client.get(f"/trace/{UNIQUE_ID}") for _ in range(20)))
    datetime.fromisoformat(trace.json()["created_at"])
    print(json.dumps({
        "posted": [[answer.status_code, answer.json()["message"]] for answer in answers],
        "service": service.json()["status"],
        "health": health.status_code,
        "trace": trace.json(),
        "found": found.json(),
        "too_long": [too_long.status_code, too_long.json()["detail"]],
        "same": all(answer.json() == trace.json() for answer in packed),
    }))


asyncio.run(main())
