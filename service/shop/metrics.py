"""The metrics of the shop. Amounts are whole KRW."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from service.error_metrics.cells import CounterFamily, make_counter, make_histogram, only_child

from .domain.fraud import DECISIONS
from .domain.order import STATUSES

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0)
TRANSACTIONS = ("completed", "declined", "additional_auth", "review", "blocked", "failed")
METHODS = ("card", "bank_transfer")
OPERATIONS = ("checkout", "payment")
ACTIONS = ("browse", "register", "login", "logout", "cart", "checkout", "pay", "cancel")
CACHE_RESULTS = {"get": ("hit", "miss", "error"), "set": ("ok", "error"), "delete": ("ok", "error")}


class ShopMetrics:
    """Counts what happens in the shop; series with fixed labels begin at zero.

    Args:
        registry: where the metrics are registered.

    Raises:
        ValueError: the registry holds series of these names already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._of_orders()
        self._of_payments()
        self._of_users()
        self._of_cache()
        self._of_fraud_checks()

    def record_transaction(self, status: str, amount: int) -> None:
        """Count a checkout that ended; the amount only of one that was completed."""
        self._transactions[status].inc()
        if status == "completed":
            self._amount.inc(amount)

    def record_duration(self, operation: str, seconds: float) -> None:
        """Note how long an operation took."""
        self._durations[operation].observe(seconds)

    def record_order(self, status: str, items: int = 0) -> None:
        """Count an order that reached a state, and the items of a new one."""
        self._orders[status].inc()
        self._items.inc(items)

    def record_payment(self, status: str, method: str, amount: int = 0) -> None:
        """Count a payment, and the amount of one that was taken."""
        self._payments[status, method].inc()
        self._paid.inc(amount)

    def record_registration(self) -> None:
        """Count a new user."""
        self._registrations.inc()

    def record_login(self, result: str) -> None:
        """Count a login: `success`, `failure` or `throttled`."""
        self._logins[result].inc()

    def record_action(self, action: str) -> None:
        """Count something that a user did."""
        self._actions[action].inc()

    def record_cache_operation(self, operation: str, result: str) -> None:
        """Count what a cache was asked."""
        self._operations[operation, result].inc()
        if operation == "get" and result != "error":
            self._hits += result == "hit"
            self._gets += 1
            self._ratio.set(self._hits / self._gets)

    def record_fds_evaluation(self, result: str, duration: float) -> None:
        """Count a fraud check with its decision, and how long it took in seconds."""
        self._checks[result].inc()
        self._check_times.observe(duration)

    def show_users(self, active: int, today: int) -> None:
        """Show how many users were seen in the last five minutes and today (UTC)."""
        self._active.set(active)
        self._today.set(today)

    def _of_orders(self) -> None:
        family = self._counter("ecommerce_transactions_total", "Checkouts by how they ended.", "status")
        self._transactions = {status: family.labels(status) for status in TRANSACTIONS}
        self._amount = only_child(self._counter("ecommerce_transaction_amount_total", "KRW of completed checkouts."))
        durations = make_histogram(
            "ecommerce_transaction_processing_duration_seconds",
            "Time of a whole checkout, and of the payment in it.",
            ("operation",),
            DURATIONS,
            self._registry,
        )
        self._durations = {name: durations.labels(name) for name in OPERATIONS}
        orders = self._counter("ecommerce_orders_total", "Orders that reached a state.", "status")
        self._orders = {str(status): orders.labels(status) for status in STATUSES}
        self._items = only_child(self._counter("ecommerce_order_items_total", "Items of new orders."))

    def _of_payments(self) -> None:
        family = self._counter("ecommerce_payments_total", "Payments.", "status", "payment_method")
        self._payments = {
            (status, method): family.labels(status, method)
            for status in ("completed", "declined", "refunded")
            for method in METHODS
        }
        self._paid = only_child(self._counter("ecommerce_payment_amount_total", "KRW of payments taken."))

    def _of_users(self) -> None:
        self._registrations = only_child(self._counter("ecommerce_user_registrations_total", "New users."))
        logins = self._counter("ecommerce_user_logins_total", "Logins.", "result")
        self._logins = {result: logins.labels(result) for result in ("success", "failure", "throttled")}
        actions = self._counter("user_actions_total", "What users did.", "action")
        self._actions = {action: actions.labels(action) for action in ACTIONS}
        self._active = self._gauge("ecommerce_active_users", "Users seen in the last five minutes.")
        self._today = self._gauge("ecommerce_daily_active_users", "Users seen today (UTC).")

    def _of_cache(self) -> None:
        family = self._counter("ecommerce_cache_operations_total", "What caches were asked.", "operation", "result")
        self._operations = {
            (operation, result): family.labels(operation, result)
            for operation, results in CACHE_RESULTS.items()
            for result in results
        }
        self._hits = self._gets = 0
        self._ratio = self._gauge("ecommerce_cache_hit_ratio", "Share of look-ups that caches answered.")

    def _of_fraud_checks(self) -> None:
        family = self._counter("ecommerce_fds_evaluations_total", "Fraud checks by their decision.", "result")
        self._checks = {str(decision): family.labels(decision) for decision in DECISIONS}
        self._check_times = only_child(
            make_histogram(
                "ecommerce_fds_evaluation_duration_seconds", "Time of a fraud check.", (), DURATIONS, self._registry
            )
        )

    def _counter(self, name: str, text: str, *labels: str) -> CounterFamily:
        return make_counter(name, text, labels, self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry, multiprocess_mode="livemax")
