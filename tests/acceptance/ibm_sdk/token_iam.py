"""Asks for a token as IBM's SDKs for IBM Cloud do. Runs in an environment of its own.

Reads a job from stdin: url, apikey.
"""

import json
import sys

from ibm_cloud_sdk_core import IAMTokenManager

job = json.load(sys.stdin)
IAMTokenManager(job["apikey"], url=job["url"]).get_token()
