// Proxies that ask Drawbridge set the header of a certificate, or remove it: Drawbridge believes them.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { certificateHeaders } from '../support/certificate-headers.ts';
import {
  startDocumentedCaddy,
  startDocumentedHaproxy,
  startDocumentedNginx,
} from '../support/documented-proxies.ts';
import { type EchoService, startEchoService } from '../support/echo-service.ts';
import { startEnvoyReplay } from '../support/envoy-replay.ts';
import { rawRequest } from '../support/raw-http.ts';
import { freePort } from '../support/test-server.ts';
import { startTraefikReplay } from '../support/traefik-replay.ts';

const rows = [
  { name: 'nginx', start: startDocumentedNginx, isMissing: findPart('nginx') === undefined },
  { name: 'Caddy', start: startDocumentedCaddy, isMissing: findPart('caddy') === undefined },
  { name: 'HAProxy', start: startDocumentedHaproxy, isMissing: findPart('haproxy') === undefined },
  { name: 'Traefik', start: startTraefikReplay },
  // it says to Drawbridge what is listed, and to services what the client sent
  { name: 'Envoy', start: startEnvoyReplay, isForDrawbridgeAlone: true },
];

describe('a certificate that a client sends as a header', () => {
  // in place of Drawbridge: it says what it was asked, and allows everything
  let [drawbridge, service]: EchoService[] = [];
  beforeAll(async () => {
    [drawbridge, service] = [await startEchoService(), await startEchoService()];
  });
  afterAll(async () => {
    await drawbridge?.close();
    await service?.close();
  });

  for (const { name, start, isMissing = false, isForDrawbridgeAlone = false } of rows)
    (isMissing ? it.skip : it)(`does not pass ${name} as documented`, async () => {
      if (drawbridge === undefined || service === undefined) throw new Error('nothing listens');
      const port = await freePort();
      const proxy = await start({ port, drawbridgePort: drawbridge.port, servicePort: service.port });
      for (const echo of [drawbridge, service]) echo.forget();
      try {
        for (const target of ['/page', '/.drawbridge/callback'])
          await rawRequest({
            port,
            target,
            headers: [`Host: 127.0.0.1:${port}`, ...certificateHeaders.map((header) => `${header}: forged`)],
          });
        expect([drawbridge.seen.length, service.seen.length]).toEqual([2, 1]);
        expect(JSON.stringify([drawbridge.seen, isForDrawbridgeAlone ? [] : service.seen])).not.toContain(
          'forged',
        );
      } finally {
        await proxy.stop();
      }
    });
});
