import { describe } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { startDocumentedCaddy } from '../support/documented-proxies.ts';
import { defineProxyClauses } from '../support/gateway-proxy.clauses.ts';

const describeCaddy = findPart('caddy') === undefined ? describe.skip : describe;

describeCaddy('Caddy as documented', () => {
  defineProxyClauses({
    startProxy: startDocumentedCaddy,
    throttledStatus: 429,
    downStatus: 502,
    invalidStatus: 400,
    hidesCookie: true,
    passesOtherKeys: true,
    upgrades: true,
    passesErrorsOn: true,
  });
});
