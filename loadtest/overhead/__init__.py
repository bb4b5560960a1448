"""What the error-metrics module and the HTTP metrics add to a request, next to the usual alternatives.

`python -m loadtest.overhead` measures everything and writes `docs/benchmarks.md`;
`python -m loadtest.overhead.gate` is the deterministic part that CI runs.
"""
