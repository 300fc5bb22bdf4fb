import { createServer } from 'node:net';
import type { ServerSettings } from '../../config/server/server-settings.ts';
import { isLoopbackHost } from '../../protocol/loopback.ts';
import { askHealth } from '../healthcheck.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const recommendedNode = 24;

export const checkNode = (version: string): Finding => {
  const [major = 0] = version.split('.').map(Number);
  return major < recommendedNode
    ? warning(
        'Node.js',
        `${version} works; install Node ${recommendedNode}, which is faster and still maintained.`,
      )
    : ok('Node.js', version);
};

export const checkPublicUrl = ({ publicUrl, host, trustedProxies }: ServerSettings['server']): Finding => {
  const { protocol, hostname } = new URL(publicUrl);
  const about = 'public URL';
  if (isLoopbackHost(hostname)) {
    return isLoopbackHost(host)
      ? ok(about, `${publicUrl}, for this machine alone`)
      : warning(
          about,
          `${publicUrl} is this machine's, but the server listens on ${host}: other machines are refused. Set DRAWBRIDGE_SERVER__PUBLIC_URL to what their browsers see.`,
        );
  }
  if (protocol === 'http:') {
    return warning(
      about,
      `${publicUrl} sends passwords in the clear. Let a proxy do TLS and write https://.`,
    );
  }
  return trustedProxies.length === 0
    ? warning(
        about,
        `${publicUrl} needs a proxy that does TLS, and none is trusted: all people seem to come from its address and share its limits. Set DRAWBRIDGE_SERVER__TRUSTED_PROXIES.`,
      )
    : ok(about, publicUrl);
};

/** Checks that either our server answers there, or the port is free. */
export const checkPort = async (settings: ServerSettings): Promise<Finding> => {
  const { host, port } = settings.server;
  const about = 'port';
  try {
    const { status, url } = await askHealth(settings, '/readyz');
    return status === 200
      ? ok(about, `a server is ready at ${url}`)
      : warning(about, `a server answers ${status} at ${url}; its log says why.`);
  } catch {
    const code = await tryToListen(host, port);
    if (code === undefined) return ok(about, `${port} on ${host} is free; no server is running`);
    if (code === 'EADDRINUSE') {
      return problem(
        about,
        `Another program uses ${port} on ${host}. Stop it, or set DRAWBRIDGE_SERVER__PORT to another one.`,
      );
    }
    return problem(
      about,
      `${port} on ${host} cannot be listened on (${code}). Choose another port or address.`,
    );
  }
};

const tryToListen = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
