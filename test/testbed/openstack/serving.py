"""What serve_keystone.py and serve_heat.py share: a WSGI server, and two repairs without which they fail under load."""
import os
import signal
import threading

from configuration import HOST


def let_sqlite_writers_queue():
    """Let writers queue for SQLite's one write lock instead of failing.

    oslo.db opens every transaction with a deferred BEGIN. A writer that reads first and then writes has to upgrade its
    lock; SQLite answers that at once, without the busy timeout, with "database is locked" when another thread wrote
    meanwhile. BEGIN IMMEDIATE takes the lock at the start, where the busy timeout does apply. Readers stay deferred
    (WAL: they never wait). Without it, 38 of 50 stacks created by 8 clients failed.
    """
    import sqlalchemy
    from oslo_db.sqlalchemy import enginefacade

    factory, plain = enginefacade._TransactionFactory, enginefacade._TransactionFactory._create_session

    def create_session(self, mode, bind=None):
        if bind is None and mode is enginefacade._WRITER:
            if not self._started:
                self._start()
            bind = self._writer_engine.execution_options(sqlite_begin="IMMEDIATE")
        return plain(self, mode, bind)

    factory._create_session = create_session

    @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "begin")
    def begin(connection):  # class-level listeners run before oslo.db's own, which then stands back
        if connection.dialect.name != "sqlite" or "in_transaction" in connection.info:
            return
        if connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.info["in_transaction"] = True


def lock_policy_checks():
    """oslo.policy (re)loads its rules inside enforce() without a lock; with threads, a check that falls into a load is
    refused: sporadic 403 (Keystone, Heat) and 503 (Heat) under load."""
    from oslo_policy import policy

    lock, plain = threading.RLock(), policy.Enforcer.enforce

    def enforce(self, *args, **kwargs):
        with lock:
            return plain(self, *args, **kwargs)

    policy.Enforcer.enforce = enforce


def serve(app, port, threads, name):
    """Serve a WSGI application on HOST, in a thread of its own, with keep-alive."""
    import waitress

    server = waitress.create_server(app, host=HOST, port=port, threads=threads, connection_limit=1000,
                                    channel_timeout=300, ident=name, clear_untrusted_proxy_headers=True)
    threading.Thread(target=server.run, name=name, daemon=True).start()


def wait_for_signal():
    """Wait for SIGTERM or SIGINT, then end at once: nothing is kept that would need a farewell."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    os._exit(0)
