import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openTransport, type Transport } from '../../src/connectors/upstream/transport.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../support/slapd-certificates.ts';

let authority: CertificateAuthority;
let upstream: Server;
let proxy: Server;
/** `host:port` of each tunnel, with the credentials of whoever asked for it. */
const tunnels: string[] = [];

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // it listens on TCP
};

let upstreamPort: number;
let proxyUrl: string;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  const { cert, key } = await authority.issue('DNS:login.test,DNS:localhost');
  upstream = createHttpsServer({ cert, key }, (_req, res) => res.end('{"hello":"you"}'));
  upstreamPort = await listening(upstream);
  proxy = createHttpServer();
  // a name that only the proxy can resolve
  proxy.on('connect', (req, client) => {
    tunnels.push(`${req.url} ${req.headers['proxy-authorization'] ?? ''}`.trim());
    const target = connect(upstreamPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
  });
  proxyUrl = `http://127.0.0.1:${await listening(proxy)}`;
});
beforeEach(() => {
  tunnels.length = 0;
});
afterAll(async () => {
  for (const server of [upstream, proxy]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await authority.remove();
});

const ask = async (transport: Transport, host: string): Promise<string> => {
  const peer = { tls: { ca: authority.ca }, timeoutMs: 5000 };
  try {
    return await (await transport.send(peer, { url: `https://${host}:${upstreamPort}/` })).text();
  } finally {
    await transport.close();
  }
};

describe('requests to identity providers', () => {
  it('go through a tunnel of the proxy, with TLS to the provider inside', async () => {
    const transport = openTransport({ https: proxyUrl, except: [] });
    expect(await ask(transport, 'login.test')).toBe('{"hello":"you"}');
    expect(tunnels).toEqual([`login.test:${upstreamPort}`]);
  });

  it('give the proxy its user name and password, and the provider none', async () => {
    const transport = openTransport({ https: proxyUrl.replace('//', '//ann:s%20cret@'), except: [] });
    expect(await ask(transport, 'login.test')).toBe('{"hello":"you"}');
    expect(tunnels).toEqual([
      `login.test:${upstreamPort} Basic ${Buffer.from('ann:s cret').toString('base64')}`,
    ]);
  });

  it('to this machine never go through the proxy', async () => {
    expect(await ask(openTransport({ https: proxyUrl, except: [] }), 'localhost')).toBe('{"hello":"you"}');
    expect(tunnels).toEqual([]);
  });

  it.each([['login.test'], ['test'], ['*']])('to an exception (%s) go out directly', async (except) => {
    const transport = openTransport({ https: proxyUrl, except: [except] });
    await expect(ask(transport, 'login.test')).rejects.toMatchObject({ code: 'unavailable' });
    expect(tunnels).toEqual([]);
  });

  it('by https do not use a proxy for http', async () => {
    const transport = openTransport({ http: proxyUrl, except: [] });
    await expect(ask(transport, 'login.test')).rejects.toMatchObject({ code: 'unavailable' });
    expect(tunnels).toEqual([]);
  });

  it('through a proxy are still refused to a provider whose certificate is unknown', async () => {
    const transport = openTransport({ https: proxyUrl, except: [] });
    const peer = { tls: {}, timeoutMs: 5000 };
    const url = `https://login.test:${upstreamPort}/`;
    await expect(transport.send(peer, { url })).rejects.toMatchObject({ code: 'unavailable' });
    expect(tunnels).toHaveLength(1);
    await transport.close();
  });
});
