import { afterEach, beforeEach, describe } from '@jest/globals';
import type { Trip } from '../../src/storage/engine-options.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { TestClock } from '../support/test-clock.ts';
import { accountClauses } from './storage-accounts.clauses.ts';
import { apiKeyClauses } from './storage-api-keys.clauses.ts';
import { artifactClauses } from './storage-artifacts.clauses.ts';
import { auditChainClauses } from './storage-audit-chain.clauses.ts';
import { auditStreamClauses } from './storage-audit-streams.clauses.ts';
import { deliveryClauses } from './storage-deliveries.clauses.ts';
import { deviceRecordClauses } from './storage-device-records.clauses.ts';
import { deviceClauses } from './storage-devices.clauses.ts';
import { eventClauses } from './storage-events.clauses.ts';
import { generalClauses } from './storage-general.clauses.ts';
import { mailClauses } from './storage-mails.clauses.ts';
import { pictureClauses } from './storage-pictures.clauses.ts';
import { recordClauses } from './storage-records.clauses.ts';
import { sessionClauses } from './storage-sessions.clauses.ts';
import { signInClauses } from './storage-sign-ins.clauses.ts';

/** Two storages on the same new, empty data, as two processes have them, and what they cost. */
export interface Bench {
  readonly first: Storage;
  readonly second: Storage;
  readonly clock: TestClock;
  readonly trips: Trip[];
  cleanup(): Promise<void>;
}

/** The bench of the test that runs. */
export type GetBench = () => Bench;

/** Each rule of `src/storage/storage.ts` as a clause. */
export const storageContract = (name: string, open: () => Promise<Bench>): void => {
  describe(`storage contract: ${name}`, () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.cleanup());
    const getBench = () => bench;
    artifactClauses(getBench);
    sessionClauses(getBench);
    signInClauses(getBench);
    deviceClauses(getBench);
    deviceRecordClauses(getBench);
    accountClauses(getBench);
    recordClauses(getBench);
    auditChainClauses(getBench);
    auditStreamClauses(getBench);
    eventClauses(getBench);
    deliveryClauses(getBench);
    mailClauses(getBench);
    pictureClauses(getBench);
    apiKeyClauses(getBench);
    generalClauses(getBench);
  });
};
