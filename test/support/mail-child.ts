// A process of its own that begins to send one mail to a mail server that does not answer, until it is killed.
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock as clock } from '../../src/clock.ts';
import type { MailSettings } from '../../src/config/server/mail-settings.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { openMail } from '../../src/mail/open-mail.ts';
import type { NewMail } from '../../src/mail/tenant-mail.ts';
import { packageRoot } from '../../src/package-root.ts';
import { openStorage } from '../../src/storage/open-storage.ts';

const [url = '', secretKey = '', text = '', settings = '', content = ''] = process.argv.slice(2);
const log = pino({ enabled: false });
const loaded = loadTenant({ id: 'acme', path: 'acme.yaml', text, env: {} });
if ('faults' in loaded) throw new Error('the tenant has faults');
const mail = openMail({
  settings: JSON.parse(settings) as MailSettings, // of the test that starts this
  storage: await openStorage({ url, clock, log, role: 'worker' }),
  masterKey: createMasterKey(secretKey),
  viewsDirectory: join(packageRoot(), 'views'),
  ...{ clock, log },
});
mail.deliver(() => Promise.resolve(loaded.definition));
await mail.forTenant(loaded.definition).send(JSON.parse(content) as NewMail); // of the test
