/** What the distributor sells: families of products, each with its makers, sizes, finishes and prices. */

export interface Family {
  readonly group: string;
  readonly sub: string;
  readonly code: string;
  readonly makers: readonly string[];
  readonly nouns: readonly string[];
  readonly sizes: readonly string[];
  readonly finishes: readonly string[];
  readonly uom: string;
  /** List price from and to, in cents. */
  readonly cents: readonly [number, number];
  readonly kg: readonly [number, number];
}

/** group | sub | code | makers | nouns | sizes | finishes | unit | price from-to in cents | weight from-to in kg */
const LINES = `Lumber|Dimensional Lumber|LBR-DIM|Ouachita Timber,Tall Pine Mill,Cedar Bend|Stud,Board,Joist|2x4x8,2x4x10,2x4x12,2x6x8,2x6x12,2x6x16,2x8x12,2x10x16,2x12x16,1x4x8,1x6x8|SPF #2,Southern Yellow Pine #2,Douglas Fir Select,Kiln-Dried Prime|EA|329-6499|2-40
Lumber|Treated Lumber|LBR-TRT|Ouachita Timber,EverGuard Wood,Tall Pine Mill|Post,Deck Board,Board,Stair Stringer|4x4x8,4x4x10,6x6x8,6x6x12,5/4x6x12,5/4x6x16,2x6x12,2x8x16|Ground Contact,Above Ground,Brown Pre-Stain|EA|699-8999|4-55
Lumber|Sheet Goods|LBR-SHT|Ouachita Timber,PanelMark,Northfork|CDX Plywood,OSB Sheathing,Subfloor T&G,Birch Plywood,MDF Panel,Hardboard|1/4 in 4x8,3/8 in 4x8,7/16 in 4x8,1/2 in 4x8,5/8 in 4x8,23/32 in 4x8,3/4 in 4x8|Rated,Fire Treated,Sanded,Marine Grade|SHT|1199-13999|9-35
Lumber|Engineered Wood|LBR-ENG|SpanTru,Northfork|LVL Beam,I-Joist,Rim Board,Glulam Beam|9-1/2 in x 12 ft,9-1/2 in x 16 ft,11-7/8 in x 16 ft,11-7/8 in x 20 ft,14 in x 20 ft,16 in x 24 ft|1.9E,2.0E,24F-V4|EA|3899-48900|18-140
Drywall|Gypsum Board|DRY-BRD|Gypsolite,Plainswall|Drywall Panel,Ceiling Board,Moisture Board,Tile Backer|1/4 in 4x8,1/2 in 4x8,1/2 in 4x12,5/8 in 4x8,5/8 in 4x12,5/8 in 4x10|Regular,Type X,Mold Resistant,Lightweight|SHT|1149-3999|14-48
Drywall|Finishing|DRY-FIN|Gypsolite,Trowelmaster,Plainswall|Joint Compound,Joint Tape,Corner Bead,Setting Compound,Texture Spray|4.5 gal,3.5 gal,250 ft,500 ft,8 ft,10 ft,18 lb,25 lb|All Purpose,Lightweight,Paper-Faced,20-Minute,90-Minute|EA|249-3299|0.2-28
Insulation|Batts and Boards|INS-BAT|ThermaLoft,Arctos,Plainswall|Fiberglass Batt,Mineral Wool Batt,Foam Board,Duct Wrap|R-11 15 in,R-13 15 in,R-13 23 in,R-19 15 in,R-21 15 in,R-30 24 in,R-38 24 in,1 in 4x8,2 in 4x8|Kraft-Faced,Unfaced,Foil-Faced,Sound Rated|BAG|1899-12999|3-24
Roofing|Shingles|ROF-SHG|StormCrest,Redrock Roofing,Arctos|Architectural Shingle,3-Tab Shingle,Starter Strip,Hip & Ridge,Impact Shingle|33 sq ft,32.8 sq ft,100 lin ft,25 lin ft,20 lin ft|Weathered Wood,Charcoal,Driftwood,Barkwood,Slate,Hickory|BDL|2899-9499|20-38
Roofing|Underlayment and Flashing|ROF-UND|StormCrest,Redrock Roofing,Hartline Metals|Synthetic Underlayment,Ice & Water Shield,Drip Edge,Step Flashing,Valley Roll,Pipe Boot|10 sq,4 sq,2 sq,10 ft,50 ft,4x4x8 in,1-3 in|Mill,White,Brown,Black,Galvanized|EA|189-16999|0.1-30
Roofing|Gutters|ROF-GUT|Hartline Metals,Rainrun|K-Style Gutter,Downspout,Elbow,Gutter Guard,Hidden Hanger,End Cap|5 in x 10 ft,6 in x 10 ft,2x3 in,3x4 in,5 in,6 in|White,Royal Brown,Musket Brown,Almond,Black|EA|149-4599|0.1-5
Fasteners|Nails|FST-NAL|Tuffgrip,Ironvale,Hammerline|Framing Nail,Finish Nail,Roofing Nail,Common Nail,Joist Hanger Nail,Brad Nail|1-1/4 in,1-1/2 in,2 in,2-3/8 in,2-1/2 in,3 in,3-1/4 in,8d,10d,16d|Bright,Hot-Dip Galvanized,Electro-Galvanized,Stainless 304|BX|399-15999|0.4-23
Fasteners|Screws|FST-SCR|Tuffgrip,Ironvale,Deckhold|Deck Screw,Drywall Screw,Structural Screw,Wood Screw,Self-Drilling Screw,Concrete Screw|#6 x 1-1/4 in,#8 x 1-5/8 in,#8 x 2 in,#9 x 2-1/2 in,#10 x 3 in,#10 x 3-1/2 in,1/4 x 2-3/4 in,5/16 x 6 in|Tan,Black Phosphate,Yellow Zinc,Stainless 316,Blue Climate|BX|499-21999|0.3-12
Fasteners|Anchors and Bolts|FST-ANC|Ironvale,Tuffgrip|Wedge Anchor,Sleeve Anchor,Carriage Bolt,Lag Screw,Hex Bolt,Toggle Bolt,Threaded Rod|1/4 x 2 in,1/4 x 4 in,3/8 x 3 in,3/8 x 5 in,1/2 x 4 in,1/2 x 6 in,1/2 x 10 in,5/8 x 6 in|Zinc,Hot-Dip Galvanized,Stainless 304|EA|19-8999|0.02-4
Fasteners|Connectors|FST-CON|Trussmate,Ironvale|Joist Hanger,Hurricane Tie,Post Base,Angle,Strap Tie,Hold-Down|2x4,2x6,2x8,2x10,4x4,6x6,12 in,18 in,24 in|ZMAX-Style Coated,Galvanized G90,Black Powder Coat|EA|69-5999|0.05-5
Doors and Windows|Doors|DRW-DOR|Homestead Door,Larkspur,Northfork|Interior Slab,Prehung Door,Entry Door,Patio Door,Bifold,Barn Door|24x80,28x80,30x80,32x80,36x80,36x96,60x80,72x80|Primed 6-Panel,Shaker,Fiberglass Oak,Steel 9-Lite,Knotty Alder|EA|5999-189900|12-95
Doors and Windows|Windows|DRW-WIN|Larkspur,Clearspan,Homestead Door|Single-Hung Window,Double-Hung Window,Slider,Picture Window,Casement,Basement Hopper|24x36,28x54,30x60,32x62,36x48,36x60,48x48,60x48,72x60|White Vinyl Low-E,Bronze Low-E,Almond Vinyl,Black Clad|EA|8900-98900|9-60
Doors and Windows|Door Hardware|DRW-HDW|Locksmith & Vale,Brasswick,Homestead Door|Passage Knob,Privacy Lever,Keyed Entry Lever,Deadbolt,Door Hinge,Handleset,Door Closer|3-1/2 in,4 in,2-3/8 in,2-3/4 in,Adjustable|Satin Nickel,Oil-Rubbed Bronze,Matte Black,Polished Brass,Aged Bronze|EA|349-24900|0.1-4
Millwork|Trim and Moulding|MLW-TRM|Larkspur,Cedar Bend,Northfork|Baseboard,Casing,Crown Moulding,Chair Rail,Quarter Round,Door Stop|2-1/4 in x 8 ft,3-1/4 in x 8 ft,3-1/4 in x 16 ft,4-1/4 in x 12 ft,5-1/4 in x 16 ft,3/4 in x 8 ft|Primed FJ Pine,MDF Primed,Red Oak,Poplar,PVC|EA|299-6999|0.4-9
Concrete|Bagged Mixes|CON-BAG|Quarrystone,Redrock Masonry,Flatbed Mix|Concrete Mix,Mortar Mix,Fast-Setting Mix,Non-Shrink Grout,Stucco Base,Sand Topping|10 lb,50 lb,60 lb,80 lb,94 lb|Standard,High Strength 5000 psi,Type S,Type N,Fiber Reinforced|BAG|399-4599|4-43
Concrete|Block and Brick|CON-BLK|Redrock Masonry,Quarrystone|Concrete Block,Face Brick,Paver,Retaining Wall Block,Cap Block,Split-Face Block|4x8x16,6x8x16,8x8x16,12x8x16,Modular,Queen,6x9,12x12|Gray,Red Flash,Sandstone,Charcoal Blend,Buff|EA|59-1299|1-22
Concrete|Rebar and Mesh|CON-RBR|Hartline Metals,Ironvale|Rebar,Wire Mesh,Rebar Tie,Rebar Chair,Remesh Sheet|#3 x 10 ft,#3 x 20 ft,#4 x 10 ft,#4 x 20 ft,#5 x 20 ft,5x10 ft,5x50 ft|Grade 40,Grade 60,6x6 W1.4,Epoxy Coated|EA|29-14999|0.1-65
Plumbing|Pipe and Fittings|PLB-FIT|Flowmark,Copperhead,Rainrun|Elbow 90,Tee,Coupling,Adapter,Ball Valve,Union,Reducer,Pipe|1/2 in,3/4 in,1 in,1-1/4 in,1-1/2 in,2 in,3 in,4 in|PVC Sch 40,CPVC,Copper Type L,PEX-A,Brass Lead-Free,Black Iron|EA|39-9999|0.02-9
Plumbing|Fixtures|PLB-FIX|Brasswick,Bathwell,Flowmark|Kitchen Faucet,Lavatory Faucet,Shower Valve,Toilet,Vanity Sink,Kitchen Sink,Tub Spout|Single-Handle,4 in Centerset,8 in Widespread,Elongated,33x22,60x32|Chrome,Brushed Nickel,Matte Black,White,Stainless|EA|2499-69900|0.8-52
Plumbing|Water Heaters and Pumps|PLB-WTR|Heatwell,Flowmark|Gas Water Heater,Electric Water Heater,Tankless Heater,Sump Pump,Expansion Tank,Recirculating Pump|30 gal,40 gal,50 gal,1/3 HP,1/2 HP,2 gal,199k BTU|Short,Tall,Direct Vent,Cast Iron|EA|4299-189900|3-85
Electrical|Wire and Cable|ELC-WIR|Linewright,Copperhead|NM-B Cable,THHN Wire,MC Cable,UF-B Cable,Low-Voltage Cable|12/2 250 ft,14/2 250 ft,12/3 250 ft,10/2 100 ft,12 AWG 500 ft,10 AWG 500 ft,18/2 500 ft|Yellow,White,Orange,Black,Red,Green|RL|3999-38900|5-48
Electrical|Devices and Boxes|ELC-DEV|Linewright,Voltique,Switchmore|Duplex Receptacle,GFCI Receptacle,Single-Pole Switch,3-Way Switch,Dimmer,Old-Work Box,Wall Plate|15A,20A,1-Gang,2-Gang,3-Gang,4 in Square|White,Light Almond,Ivory,Black,Gray|EA|59-5499|0.03-0.9
Electrical|Panels and Breakers|ELC-PNL|Voltique,Switchmore|Load Center,Single-Pole Breaker,2-Pole Breaker,AFCI Breaker,Disconnect,Surge Protector|100A,125A,200A,15A,20A,30A,50A,60A|Indoor,Outdoor NEMA 3R,Plug-On Neutral|EA|549-32900|0.1-20
Electrical|Lighting|ELC-LGT|Lumenfield,Voltique|LED Downlight,Wrap Light,Flood Light,Vanity Light,Wall Pack,Under-Cabinet Light,Ceiling Fan|4 in,6 in,2 ft,4 ft,24 in,52 in|2700K,3000K,4000K,5000K,Selectable CCT|EA|699-34900|0.2-11
HVAC|Duct and Registers|HVC-DCT|Airlane,Hartline Metals|Round Pipe,Flex Duct,Elbow,Floor Register,Return Grille,Takeoff,Filter|4 in,6 in,8 in,10 in,12 in,4x10,14x6,20x20x1,16x25x4|Galvanized,R-6 Insulated,R-8 Insulated,White,Brown,MERV 11|EA|219-7999|0.1-9
Paint|Interior and Exterior|PNT-COT|Hearthcoat,Sunfast,Trowelmaster|Interior Latex,Exterior Latex,Primer,Deck Stain,Porch & Floor,Masonry Sealer|1 qt,1 gal,2 gal,5 gal|Flat White,Eggshell Base 1,Satin Base 2,Semi-Gloss White,Deep Base,Cedar|EA|999-24900|1-28
Paint|Sundries|PNT-SUN|Trowelmaster,Hearthcoat|Roller Cover,Angle Brush,Masking Tape,Drop Cloth,Caulk,Spackle,Sandpaper,Paint Tray|2 in,2-1/2 in,3 in,9 in,1.5 in x 60 yd,9x12 ft,10 oz,1 qt|White,Clear,Blue,Pro Grade,80 Grit,120 Grit,220 Grit|EA|99-3999|0.02-4
Tools|Hand Tools|TLS-HND|Hammerline,Ironvale,Benchmate|Framing Hammer,Tape Measure,Utility Knife,Speed Square,Level,Pry Bar,Chalk Line,Tin Snips|7 in,12 in,16 oz,20 oz,22 oz,25 ft,35 ft,24 in,48 in|Fiberglass,Steel,Magnetic,Left Cut,Contractor Grade|EA|399-12999|0.1-3
Tools|Power Tool Accessories|TLS-ACC|Sawtooth,Benchmate,Hammerline|Circular Saw Blade,Drill Bit Set,Recip Blade,Hole Saw,Driver Bit,Diamond Blade,Oscillating Blade|1/4 in,1/2 in,1 in,2-1/8 in,6 in,7-1/4 in,10 in,12 in|24T,40T,60T,80T,Bi-Metal,Carbide,Cobalt|EA|149-15900|0.02-2
Decking and Fence|Composite Decking|DCK-CMP|EverGuard Wood,Deckhold|Deck Board,Fascia Board,Rail Kit,Post Sleeve,Baluster Pack,Stair Rail|1x6x12,1x6x16,1x6x20,1x12x12,6 ft,8 ft,4x4|Saddle,Gravel Path,Island Mist,Tree House,Black|EA|1499-28900|1-24
Decking and Fence|Fencing|DCK-FNC|Cedar Bend,EverGuard Wood,Hartline Metals|Fence Picket,Fence Panel,Gate Kit,T-Post,Chain-Link Roll,Line Post,Post Cap|5/8x6x6,1x6x8,6x8 ft,4 ft x 50 ft,6 ft x 50 ft,1-5/8 in x 8 ft,4x4|Western Red Cedar,Pressure Treated,Galvanized,Black Vinyl Coated|EA|199-24900|0.1-38
Flooring|Tile and Setting|FLR-TIL|Bathwell,Terra Corte,Trowelmaster|Porcelain Tile,Ceramic Wall Tile,Mosaic Sheet,Thinset Mortar,Sanded Grout,Backer Board|3x6,12x12,12x24,24x24,6x36,25 lb,50 lb,3x5 ft|Carrara,Travertine Beige,Graphite,Gloss White,Warm Gray,Modified|CTN|899-9999|1-28
Flooring|Plank and Vinyl|FLR-PLK|Terra Corte,Larkspur|Luxury Vinyl Plank,Laminate Plank,Engineered Oak,Stair Nose,Underlayment,Transition Strip|5 mm 7x48,6.5 mm 9x60,8 mm,12 mm,3/8 in x 5 in,94 in,200 sq ft|Coastal Oak,Smoked Hickory,Natural Walnut,Ash Gray,Honey Maple|CTN|1499-15900|0.5-22`;

const range = (text: string): readonly [number, number] => {
  const [from = 0, to = 0] = text.split('-').map(Number);
  return [from, to];
};

export const FAMILIES: readonly Family[] = LINES.split('\n').map((line) => {
  const [
    group = '',
    sub = '',
    code = '',
    makers = '',
    nouns = '',
    sizes = '',
    finishes = '',
    uom = 'EA',
    cents = '',
    kg = '',
  ] = line.split('|');
  return {
    group,
    sub,
    code,
    makers: makers.split(','),
    nouns: nouns.split(','),
    sizes: sizes.split(','),
    finishes: finishes.split(','),
    uom,
    cents: range(cents),
    kg: range(kg),
  };
});
