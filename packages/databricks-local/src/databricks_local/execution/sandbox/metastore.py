"""A Hive metastore server on 127.0.0.1, out of PySpark's jars: ``python metastore.py ROOT``.

Hive's own main program listens on all addresses, so its parts are put together here. It says its port on a
line and serves until it is killed.
"""

import sys
from pathlib import Path
from typing import Any

import pyspark
from py4j.java_gateway import (  # type: ignore[import-untyped]
    GatewayParameters,
    JavaGateway,
    launch_gateway,
)


def main(root: Path) -> None:
    """Serve the tables of a workspace.

    Args:
        root: Its folder.
    """
    jars = Path(pyspark.__file__).parent / "jars"
    database = root / "metastore" / "db"
    options = {
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={database};create=true",
        "datanucleus.schema.autoCreateAll": "true",
        "hive.metastore.schema.verification": "false",
        "hive.metastore.warehouse.dir": f"file:{root / 'warehouse'}",
        "hive.async.log.enabled": "false",
        "derby.stream.error.file": root / "metastore" / "derby.log",
    }
    port, token = launch_gateway(
        jarpath=str(next(jars.glob("py4j-*.jar"))),
        classpath=str(jars / "*"),
        javaopts=[
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            *(f"-D{name}={value}" for name, value in options.items()),
        ],
        die_on_exit=True,
        enable_auth=True,
        redirect_stdout=sys.stderr,
        redirect_stderr=sys.stderr,
    )
    jvm: Any = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token)).jvm
    metastore = jvm.org.apache.hadoop.hive.metastore
    thrift = jvm.org.apache.thrift
    conf = jvm.org.apache.hadoop.hive.conf.HiveConf()
    plain = metastore.HiveMetaStore.HMSHandler("databricks-local", conf, False)
    handler = metastore.RetryingHMSHandler.getProxy(conf, plain, True)
    listening = thrift.transport.TServerSocket(jvm.java.net.InetSocketAddress("127.0.0.1", 0))
    settings = (
        thrift.server.TThreadPoolServer.Args(listening)
        .processor(metastore.TSetIpAddressProcessor(handler))
        .transportFactory(thrift.transport.TTransportFactory())
        .protocolFactory(thrift.protocol.TBinaryProtocol.Factory())
        .minWorkerThreads(2)
        .maxWorkerThreads(256)
    )
    server = thrift.server.TThreadPoolServer(settings)
    print(listening.getServerSocket().getLocalPort(), flush=True)
    server.serve()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
