import { describe } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { startDocumentedHaproxy } from '../support/documented-proxies.ts';
import { defineProxyClauses } from '../support/gateway-proxy.clauses.ts';

const describeHaproxy = findPart('haproxy') === undefined ? describe.skip : describe;

describeHaproxy('HAProxy as documented', () => {
  defineProxyClauses({
    startProxy: startDocumentedHaproxy,
    throttledStatus: 429,
    downStatus: 503,
    invalidStatus: 400,
    hidesCookie: true,
    passesOtherKeys: true,
    upgrades: true,
    passesErrorsOn: true,
  });
});
