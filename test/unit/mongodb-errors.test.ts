import { describe, expect, it } from '@jest/globals';
import { isBrokenOff, toStoreError } from '../../src/storage/mongodb/errors.ts';

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
