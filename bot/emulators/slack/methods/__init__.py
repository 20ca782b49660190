"""The methods of the Web API, one function each: a call comes in, the answer's JSON goes out.

https://docs.slack.dev/reference/methods
"""
