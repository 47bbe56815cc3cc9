"""Stores records with IBM's SDK `ibm_watson_openscale`, as a user of a cluster. Runs in an environment of its own.

Reads a job from stdin: url, username, password, instance, data_set, and keywords of `PayloadRecord` as records.
"""

import json
import sys

from ibm_cloud_sdk_core.authenticators import CloudPakForDataAuthenticator
from ibm_watson_openscale import APIClient
from ibm_watson_openscale.supporting_classes.payload_record import PayloadRecord

job = json.load(sys.stdin)
client = APIClient(
    authenticator=CloudPakForDataAuthenticator(username=job["username"], password=job["password"], url=job["url"]),
    service_url=job["url"],
    service_instance_id=job["instance"],
)
client.data_sets.store_records(
    data_set_id=job["data_set"],
    request_body=[PayloadRecord(**record) for record in job["records"]],
    background_mode=False,
)
