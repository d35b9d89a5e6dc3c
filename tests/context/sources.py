"""One request of one end user, in the form of each source that gives it to a handler.

    GET /swap?utm_source=news+letter&ref=joe&gclid=Cj0K-x_1&token=s3cr3t HTTP/1.1, from 203.0.113.7 in Switzerland

The events are those of the vendors' documentation, with this request put in.
"""

from __future__ import annotations

import io
from http.server import BaseHTTPRequestHandler
from typing import Any

AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15"
CLIENT = "203.0.113.7"
SECRET = "s3cr3t"
QUERY = f"utm_source=news+letter&ref=joe&gclid=Cj0K-x_1&token={SECRET}"
REFERRER = f"https://reader:{SECRET}@www.example.org/article?page=2&access_token={SECRET}#{SECRET}"

HEADERS = {
    "Accept-Language": "de-CH,de;q=0.9,en;q=0.8",
    "Host": "app.example.com",
    "Referer": REFERRER,
    "User-Agent": AGENT,
    "X-Forwarded-For": f"{CLIENT}, 198.51.100.4",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
    "CloudFront-Viewer-Country": "CH",
    "Cookie": f"session={SECRET}",
    "Authorization": f"Bearer {SECRET}",
}
LOWER_HEADERS = {name.lower(): value for name, value in HEADERS.items()}

#: What every source tells of it.
EXPECTED = {
    "user_agent": AGENT,
    "locale": "de-CH",
    "location": "CH",
    "page_url": "https://app.example.com/swap?utm_source=news+letter&ref=joe&gclid=Cj0K-x_1",
    "page_path": "/swap",
    "page_query": "utm_source=news+letter&ref=joe&gclid=Cj0K-x_1",
    "referrer": "https://www.example.org/article?page=2",
    "utm_source": "news letter",
    "ref": "joe",
    "gclid": "Cj0K-x_1",
}


def rest_api() -> dict[str, Any]:
    """API Gateway, REST API: "Input format of a Lambda function for proxy integration" in its developer guide."""
    parameters = {"utm_source": "news letter", "ref": "joe", "gclid": "Cj0K-x_1", "token": SECRET}
    return {
        "resource": "/{proxy+}",
        "path": "/swap",
        "httpMethod": "GET",
        "headers": dict(HEADERS),
        "multiValueHeaders": {name: [value] for name, value in HEADERS.items()},
        "queryStringParameters": parameters,
        "multiValueQueryStringParameters": {name: [value] for name, value in parameters.items()},
        "pathParameters": {"proxy": "swap"},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "1234567890",
            "domainName": "app.example.com",
            "domainPrefix": "app",
            "extendedRequestId": "request-id",
            "httpMethod": "GET",
            "identity": {"sourceIp": CLIENT, "userAgent": AGENT, "cognitoIdentityId": None},
            "path": "/swap",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTimeEpoch": 1428582896000,
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": None,
        "isBase64Encoded": False,
    }


def http_api() -> dict[str, Any]:
    """API Gateway, HTTP API: "Payload format version 2.0" in its developer guide."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/swap",
        "rawQueryString": QUERY,
        "cookies": [f"session={SECRET}"],
        "headers": {name: value for name, value in LOWER_HEADERS.items() if name != "cookie"},
        "queryStringParameters": {"utm_source": "news letter", "ref": "joe", "gclid": "Cj0K-x_1", "token": SECRET},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "app.example.com",
            "domainPrefix": "app",
            "http": {
                "method": "GET",
                "path": "/swap",
                "protocol": "HTTP/1.1",
                "sourceIp": CLIENT,
                "userAgent": AGENT,
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "isBase64Encoded": False,
    }


def function_url() -> dict[str, Any]:
    """A Lambda function URL: "Request and response payloads" in Lambda's developer guide."""
    event = http_api()
    event["requestContext"] |= {"accountId": "anonymous", "apiId": "<urlid>", "authentication": None}
    return event


def load_balancer() -> dict[str, Any]:
    """An Application Load Balancer: "Receive events from the load balancer"; it decodes no parameter."""
    return {
        "requestContext": {
            "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/6d0ecf83"}
        },
        "httpMethod": "GET",
        "path": "/swap",
        "queryStringParameters": {name: value for name, _, value in (pair.partition("=") for pair in QUERY.split("&"))},
        "headers": dict(LOWER_HEADERS),
        "body": "",
        "isBase64Encoded": False,
    }


def load_balancer_with_lists() -> dict[str, Any]:
    """An Application Load Balancer whose target group has multi-value headers: there are only the lists then."""
    event = load_balancer()
    headers, parameters = event.pop("headers"), event.pop("queryStringParameters")
    event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in parameters.items()}
    return event


def edge_viewer() -> dict[str, Any]:
    """Lambda@Edge, a viewer request: "Lambda@Edge event structure" in CloudFront's developer guide."""
    return {
        "Records": [
            {
                "cf": {
                    "config": {
                        "distributionDomainName": "d111111abcdef8.cloudfront.net",
                        "distributionId": "EDFDVBD6EXAMPLE",
                        "eventType": "viewer-request",
                        "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
                    },
                    "request": {
                        "clientIp": CLIENT,
                        "headers": {
                            name.lower(): [{"key": name, "value": value}]
                            for name, value in HEADERS.items()
                            if not name.startswith("X-Forwarded")
                        },
                        "method": "GET",
                        "querystring": QUERY,
                        "uri": "/swap",
                    },
                }
            }
        ]
    }


def edge_origin() -> dict[str, Any]:
    """Lambda@Edge, an origin request: the host in the headers is the origin's by now."""
    event = edge_viewer()
    cf = event["Records"][0]["cf"]
    cf["config"] |= {"eventType": "origin-request", "distributionDomainName": "app.example.com"}
    cf["request"]["headers"]["host"] = [{"key": "Host", "value": "origin.example.net"}]
    cf["request"]["headers"]["x-forwarded-for"] = [{"key": "X-Forwarded-For", "value": CLIENT}]
    cf["request"]["origin"] = {
        "custom": {
            "customHeaders": {},
            "domainName": "origin.example.net",
            "keepaliveTimeout": 5,
            "path": "",
            "port": 443,
            "protocol": "https",
            "readTimeout": 30,
            "sslProtocols": ["TLSv1", "TLSv1.1", "TLSv1.2"],
        }
    }
    return event


def environ() -> dict[str, Any]:
    """A WSGI environ (PEP 3333)."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/swap",
        "QUERY_STRING": QUERY,
        "SERVER_NAME": "10.0.0.5",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": CLIENT,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()},
    }


def scope() -> dict[str, Any]:
    """An ASGI connection scope (version 3.0 of the specification, HTTP)."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/swap",
        "raw_path": b"/swap",
        "query_string": QUERY.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in LOWER_HEADERS.items()],
        "client": (CLIENT, 50000),
        "server": ("10.0.0.5", 8000),
    }


def http_handler() -> BaseHTTPRequestHandler:
    """A `BaseHTTPRequestHandler` of the standard library, as Vercel's Python runtime calls one."""
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            self.rfile = io.BytesIO(f"GET /swap?{QUERY} HTTP/1.1\r\n{head}\r\n".encode())
            self.wfile = io.BytesIO()

        def handle(self) -> None:
            self.raw_requestline = self.rfile.readline()
            assert self.parse_request()

        def finish(self) -> None:
            pass

    return Handler(None, (CLIENT, 50000), None)  # type: ignore[arg-type]  # it needs neither socket nor server here


SOURCES = {
    source.__name__: source
    for source in (
        rest_api,
        http_api,
        function_url,
        load_balancer,
        load_balancer_with_lists,
        edge_viewer,
        edge_origin,
        environ,
        scope,
        http_handler,
    )
}
