"""The errors of fraud detection.

BaseAppException
├── UnknownDecision                                           RESOURCE
└── AlreadyLabelled, EngineFailed, EngineLate, DecisionLost   FRAUD, a domain of its own
"""

from service.error_metrics import BaseAppException, ErrorDomain, register_exception

FRAUD = ErrorDomain.register("FRAUD", 700, 799)


@register_exception(code=351, status=404, severity="info", team="fraud")
class UnknownDecision(BaseAppException):
    """There is no decision about this transaction."""


@register_exception(code=701, status=409, severity="info", team="fraud")
class AlreadyLabelled(BaseAppException):
    """The decision has been labelled otherwise before."""


@register_exception(code=702, status=500, severity="error", team="fraud")
class EngineFailed(BaseAppException):
    """An engine failed, and the decision was made without it."""


@register_exception(code=703, status=503, severity="warning", team="fraud")
class EngineLate(BaseAppException):
    """An engine was cut off, and the decision was made without it."""


@register_exception(code=704, status=503, severity="error", team="fraud")
class DecisionLost(BaseAppException):
    """A decision was made and could not be kept: it can't be labelled."""
