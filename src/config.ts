/** The configuration as a command that talks to a vendor needs it: with the addresses that the ERP's profile names. */
import { type Config, type ConfigInput, loadOwnConfig } from './config/own.ts';
import { withProfileUrls } from './config/profile-urls.ts';
import type { Need } from './config/systems.ts';

export * from './config/own.ts';

/** As `loadOwnConfig`, and throws FatalError too with the faults of a profile that is needed. */
export const loadConfig = <Needed extends Need>(input: ConfigInput<Needed>): Config<Needed> =>
  loadOwnConfig(input, withProfileUrls);
