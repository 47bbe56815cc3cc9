"""Stores records with IBM's SDK `ibm_ai_openscale`, as a user of a cluster. Runs in an environment of its own.

Reads a job from stdin: url, username, password, data_mart, binding, subscription, deployment, and keywords of
`PayloadRecord` as records. The SDK would ask the server for the subscription first; of that it needs two ids alone.
"""

import json
import sys
from types import SimpleNamespace

from ibm_ai_openscale import APIClient4ICP
from ibm_ai_openscale.base_classes.configuration.payload_logging import PayloadLogging
from ibm_ai_openscale.supporting_classes import PayloadRecord

job = json.load(sys.stdin)
credentials = {name: job[name] for name in ("url", "username", "password")}
if job["data_mart"] is not None:
    credentials["data_mart_id"] = job["data_mart"]
client = APIClient4ICP(credentials)
subscription = SimpleNamespace(binding_uid=job["binding"], uid=job["subscription"])
log = PayloadLogging(subscription, client)
log.store([PayloadRecord(**record) for record in job["records"]], deployment_id=job["deployment"])
log.get_records_count()
