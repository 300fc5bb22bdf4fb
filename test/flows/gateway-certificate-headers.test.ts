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
import { rawRequest } from '../support/raw-http.ts';
import { freePort } from '../support/test-server.ts';

const rows = [
  { name: 'nginx', start: startDocumentedNginx },
  { name: 'caddy', start: startDocumentedCaddy },
  { name: 'haproxy', start: startDocumentedHaproxy },
] as const;

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

  for (const { name, start } of rows)
    (findPart(name) === undefined ? it.skip : it)(`passes ${name} as documented nowhere`, async () => {
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
        expect(JSON.stringify([drawbridge.seen, service.seen])).not.toContain('forged');
      } finally {
        await proxy.stop();
      }
    });
});
