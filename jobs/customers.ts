import customers from '../mappers/customers.ts';
import type { Job } from '../src/pipe.ts';
import type { ErpCustomer } from '../src/sources/erp/model.ts';
import type { Systems } from '../src/systems.ts';

export default {
  pipe: 'customers',
  system: 'erp',
  from: ({ erp }) => erp('customers'),
  mapping: customers,
  after: [],
  daily: '06:30',
  // One person may stand in several accounts: who owns a contact or an address is known when all have been read.
  assembles: 'many-records',
} satisfies Job<Systems, ErpCustomer>;
