import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/package-root.ts';
import { exchange } from '../demo/http-exchange.ts';
import { findFreePort } from '../free-port.ts';

interface RealParts {
  findPart(name: 'nginx'): string | undefined;
}

export interface Nginx {
  readonly origin: string;
  close(): Promise<void>;
}

/** Where nginx is, if it is installed. */
export const findNginx = async (): Promise<string | undefined> => {
  const parts = pathToFileURL(join(packageRoot(), 'scripts/real-parts.mjs')).href;
  return ((await import(parts)) as RealParts).findPart('nginx'); // plain JavaScript beside the build
};

/** nginx as a plain reverse proxy, with connections to the target that are kept. */
export const startNginx = async (program: string, target: string): Promise<Nginx> => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-nginx-'));
  const port = await findFreePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(folder, port, new URL(target).host));
  const nginx = spawn(program, ['-p', folder, '-c', file, '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  });
  const exited = once(nginx, 'exit');
  const origin = `http://127.0.0.1:${port}`;
  try {
    await untilAnswering(origin);
  } catch (error) {
    nginx.kill('SIGKILL');
    throw error;
  }
  return {
    origin,
    close: async () => {
      nginx.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const configuration = (folder: string, port: number, target: string): string => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 10000000;
  upstream target { server ${target}; keepalive 64; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://target;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;

const untilAnswering = async (origin: string): Promise<void> => {
  const startedAt = performance.now();
  for (;;) {
    try {
      await exchange(new URL(origin));
      return;
    } catch (error) {
      if (performance.now() - startedAt > 5_000) throw error;
      await delay(20);
    }
  }
};
