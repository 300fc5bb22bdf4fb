import { describe, expect, it } from '@jest/globals';
import { isBrokenOff, toStoreError } from '../../src/storage/mongodb/errors.ts';

/** The verdict on every code that is not a fault of ours, in numbers: a code that the source drops is missed here. */
const codes: readonly (readonly [code: number, name: string, verdict: 'retried' | 'unavailable'])[] = [
  [6, 'HostUnreachable', 'unavailable'],
  [7, 'HostNotFound', 'unavailable'],
  [8, 'UnknownError', 'unavailable'],
  [13, 'Unauthorized', 'unavailable'],
  [18, 'AuthenticationFailed', 'unavailable'],
  [24, 'LockTimeout', 'unavailable'],
  [50, 'MaxTimeMSExpired', 'unavailable'],
  [63, 'StaleShardVersion', 'unavailable'],
  [64, 'WriteConcernTimeout', 'unavailable'],
  [89, 'NetworkTimeout', 'unavailable'],
  [91, 'ShutdownInProgress', 'retried'],
  [100, 'UnsatisfiableWriteConcern', 'unavailable'],
  [112, 'WriteConflict', 'unavailable'],
  [133, 'FailedToSatisfyReadPreference', 'unavailable'],
  [134, 'ReadConcernMajorityNotAvailableYet', 'unavailable'],
  [150, 'StaleEpoch', 'unavailable'],
  [189, 'PrimarySteppedDown', 'retried'],
  [202, 'NetworkInterfaceExceededTimeLimit', 'unavailable'],
  [234, 'RetryChangeStream', 'unavailable'],
  [262, 'ExceededTimeLimit', 'unavailable'],
  [290, 'TransactionExceededLifetimeLimitSeconds', 'unavailable'],
  [314, 'ObjectIsBusy', 'unavailable'],
  [317, 'ConnectionPoolExpired', 'unavailable'],
  [358, 'InternalTransactionNotSupported', 'unavailable'],
  [9001, 'SocketException', 'unavailable'],
  [10058, 'LegacyNotPrimary', 'unavailable'],
  [10107, 'NotWritablePrimary', 'retried'],
  [11000, 'DuplicateKey, where nobody expected one', 'unavailable'],
  [11600, 'InterruptedAtShutdown', 'retried'],
  [11601, 'Interrupted', 'unavailable'],
  [11602, 'InterruptedDueToReplStateChange', 'retried'],
  [13388, 'StaleConfig', 'unavailable'],
  [13435, 'NotPrimaryNoSecondaryOk', 'retried'],
  [13436, 'NotPrimaryOrSecondary', 'retried'],
  [14031, 'OutOfDiskSpace', 'unavailable'],
  [46841, 'ClientMarkedKilled', 'unavailable'],
];

const refusalWith = (code: number) => ({ name: 'MongoServerError', message: 'refused', code });

describe('an error that the server answers', () => {
  it.each(codes)('%i (%s) is %s', (code, _name, verdict) => {
    const error = refusalWith(code);
    expect(toStoreError(error)).toMatchObject({ code: 'unavailable', cause: error });
    expect(isBrokenOff(error)).toBe(verdict === 'retried');
  });

  it('with any other code is a fault of ours', () => {
    const known = new Set(codes.map(([code]) => code));
    const wrong = Array.from({ length: 60_000 }, (_, code) => code).filter((code) => {
      const error = refusalWith(code);
      return !known.has(code) && (toStoreError(error) !== error || isBrokenOff(error));
    });
    expect(wrong).toEqual([]);
  });
});

describe('an error of a socket that the driver lets through', () => {
  it.each(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'])('%s is an outage, and asked again', (code) => {
    const error = Object.assign(new Error('This socket has been ended by the other party'), { code });
    expect(toStoreError(error)).toMatchObject({ code: 'unavailable', cause: error });
    expect(isBrokenOff(error)).toBe(true);
  });

  it('of another kind is a fault of ours', () => {
    const error = Object.assign(new Error('no such file'), { code: 'ENOENT' });
    expect(toStoreError(error)).toBe(error);
    expect(isBrokenOff(error)).toBe(false);
  });
});

describe('an error of the driver or of mongoose', () => {
  const wrapped = (errorResponse: object) => ({ name: 'MongoBulkWriteError', errorResponse });

  it.each([
    ['no server was found', { name: 'MongoServerSelectionError' }],
    ['no time was left', { name: 'MongoNetworkTimeoutError' }],
    ['the server hangs, and its connections are closed', { name: 'PoolClearedOnNetworkError' }],
    ['connections are closed, because another failed', { name: 'MongoPoolClearedError' }],
    ['too few members have confirmed a write', { name: 'MongoWriteConcernError', code: 1 }],
    ['mongoose has no connection', { name: 'MongooseError' }],
    ['a batch lost its connection', wrapped({ name: 'MongoNetworkError' })],
    ['a statement of a batch was refused: the primary steps down', { name: 'RefusedWrite', code: 189 }],
  ])('is an outage when %s', (_why, error) => {
    expect(toStoreError(error)).toMatchObject({ code: 'unavailable', cause: error });
  });

  it.each(['MongoNetworkError', 'MongoPoolClearedError', 'PoolClearedOnNetworkError'])(
    '%s is asked again',
    (name) => {
      expect(isBrokenOff({ name })).toBe(true);
    },
  );

  it.each(['MongoNetworkTimeoutError', 'MongoServerSelectionError'])('%s is not', (name) => {
    expect(isBrokenOff({ name })).toBe(false);
  });

  it.each([
    ['the driver was called wrongly', { name: 'MongoInvalidArgumentError' }],
    ['a package is missing', { name: 'MongoMissingDependencyError' }],
    ['a batch was called wrongly', wrapped({ name: 'MongoInvalidArgumentError' })],
    ['a batch was refused', { name: 'MongoBulkWriteError', code: 121 }],
    ['it is neither of the driver nor of the server', { name: 'TypeError' }],
  ])('is a fault of ours when %s', (_why, error) => {
    expect(toStoreError(error)).toBe(error);
  });
});
