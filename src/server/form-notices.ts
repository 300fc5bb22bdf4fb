import type { MasterKey } from '../crypto/master-key.ts';
import { openSealed, seal } from '../crypto/sealed-box.ts';
import { isAppError } from '../errors.ts';
import { createFormNotices, type FormNotices } from '../web/form-notice.ts';

export const createSealedFormNotices = (masterKey: MasterKey): FormNotices => {
  const key = masterKey.derive('form notices');
  return createFormNotices({
    seal: (text, purpose) => seal(key, Buffer.from(text), purpose),
    open: (sealed, purpose) => {
      try {
        return openSealed(key, sealed, purpose).toString('utf8');
      } catch (error) {
        if (isAppError(error, 'unavailable')) return undefined; // not sealed here for this form
        throw error;
      }
    },
  });
};
