import { describe } from '@jest/globals';
import { defineProxyClauses } from '../support/gateway-proxy.clauses.ts';
import { startTraefikReplay } from '../support/traefik-replay.ts';

describe('what Traefik does, as documented', () => {
  defineProxyClauses({
    startProxy: startTraefikReplay,
    throttledStatus: 429,
    downStatus: 500,
    invalidStatus: 400,
    hidesCookie: false,
    passesOtherKeys: false,
    upgrades: false,
    passesErrorsOn: true,
  });
});
