#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The peer asyncio, with its streams.

usage: python_asyncio.py echo|lines|churn [BUFFER]
"""
import asyncio
import resource
import sys

REQUEST = 64


async def echo(reader, writer, size):
    while data := await reader.read(size):
        writer.write(data)
        await writer.drain()


async def lines(reader, writer, _size):
    while line := await reader.readline():
        writer.write(b"OK..." + line)
        await writer.drain()


async def churn(reader, writer, _size):
    writer.write(await reader.readexactly(REQUEST))


MODES = {"echo": echo, "lines": lines, "churn": churn}


async def main(mode="echo", size="65536"):
    async def serve(reader, writer):
        try:
            await MODES[mode](reader, writer, int(size))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
asyncio.run(main(*sys.argv[1:]))
