// The process of one target: its parent sends it what to serve, and asks it what that costs.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { TargetReply, TargetRequest, TargetTask } from './task.ts';

type Close = () => Promise<void>;

/** Each kind is loaded only where it runs, so that none pays for another's modules. */
const start = async (task: TargetTask): Promise<Close> => {
  switch (task.kind) {
    case 'hello': {
      const body = Buffer.from('{"hello":"world"}');
      const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
      return listen(
        createServer((_req, res) => res.writeHead(200, headers).end(body)),
        task.port,
      );
    }
    case 'bare': {
      const store = task.storageUrl.startsWith('file:')
        ? await (await import('../bare/sqlite-store.ts')).openSqliteStore(
            task.storageUrl.slice('file:'.length),
          )
        : await (await import('../bare/mongodb-store.ts')).openMongodbStore(task.storageUrl);
      const { openBareServer } = await import('../bare/bare-provider.ts');
      const close = await listen(await openBareServer(store, task), task.port);
      return async () => {
        await close();
        await store.close();
      };
    }
    case 'relay': {
      const { createRelayServer } = await import('./relay.ts');
      return listen(createRelayServer(task.targetOrigin ?? ''), task.port);
    }
    case 'drawbridge': {
      const { openDrawbridge } = await import('./drawbridge.ts');
      return openDrawbridge(task);
    }
  }
};

const listen = async (server: Server, port: number): Promise<Close> => {
  server.keepAliveTimeout = 75_000;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
};

const reply = (message: TargetReply): void => {
  process.send?.(message);
};

let close: Close | undefined;
process.on('message', (request: TargetRequest) => {
  if (request === 'usage') {
    const { user, system } = process.cpuUsage();
    reply({ usage: { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() } });
  } else if (request === 'stop') {
    void (close?.() ?? Promise.resolve()).finally(() => process.exit());
  } else {
    start(request.start).then(
      (closing) => {
        close = closing;
        reply('started');
      },
      (error: unknown) => reply({ failed: error instanceof Error ? String(error.stack) : String(error) }),
    );
  }
});
process.once('disconnect', () => process.exit());
