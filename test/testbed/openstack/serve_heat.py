"""A real Heat, in the foreground: python serve_heat.py STATE API_PORT CFN_PORT

heat-engine, heat-api and heat-api-cfn are threads of one process, joined by oslo.messaging's in-memory transport
(fake://), so that no message broker is needed. Heat 27 has no eventlet left.
"""
import os
import sys
import time
import types

import serving


def shorten_sleeps():
    """Take out two waits that only cost time here: Heat's behaviour stays, its pace is quicker than in a real cloud."""
    import heat.engine.stack
    import oslo_messaging._drivers.impl_fake as transport

    def at_most(limit):
        return lambda seconds: time.sleep(min(seconds, limit))

    # the in-memory transport polls its queues every 50 ms
    transport.time = types.SimpleNamespace(time=time.time, sleep=at_most(0.01))
    # the engine pauses one second after triggering each leaf resource of a stack (20 of them took 20 s, now 3 s)
    heat.engine.stack.time = types.SimpleNamespace(sleep=at_most(0.005))


def main(state, api_port, cfn_port):
    sys.argv = ["heat-engine"]
    from oslo_service import backend
    backend.init_backend(backend.BackendType.THREADING)  # before any other import of oslo.service
    serving.let_sqlite_writers_queue()
    serving.lock_policy_checks()
    import oslo_i18n
    oslo_i18n.enable_lazy()
    from oslo_config import cfg
    from oslo_log import log as logging
    from heat import version
    from heat.common import config, messaging
    from heat.engine import template  # registers options that startup_sanity_check reads, so before conf()
    from heat.rpc import api as rpc_api
    conf = cfg.CONF
    logging.register_options(conf)
    conf(["--config-file", f"{state}/heat.conf"], project="heat", prog="heat-engine",
         version=version.version_info.version_string())
    logging.setup(conf, "heat")
    config.set_config_defaults()
    messaging.setup()  # after conf(), and without an URL: with one it makes an exchange of its own
    config.startup_sanity_check()
    from heat.engine import service
    template._get_template_extension_manager()
    shorten_sleeps()
    service.EngineService(conf.host, rpc_api.ENGINE_TOPIC).start()
    serving.serve(config.load_paste_app("heat-api"), api_port, 32, "heat-api")
    serving.serve(config.load_paste_app("heat-api-cfn"), cfn_port, 4, "heat-api-cfn")
    serving.wait_for_signal()


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
