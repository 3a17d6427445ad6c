import products from '../mappers/products.ts';
import type { Job } from '../src/pipe.ts';
import type { ErpProduct } from '../src/sources/erp/model.ts';
import type { Systems } from '../src/systems.ts';

export default {
  pipe: 'products',
  system: 'erp',
  from: ({ erp }) => erp('products'),
  mapping: products,
  after: [],
  daily: '06:00',
  assembles: 'one-record',
} satisfies Job<Systems, ErpProduct>;
