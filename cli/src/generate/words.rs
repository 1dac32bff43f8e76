//! The words of the trade.

pub(super) const STYLES: [&str; 24] = [
    "WHITE", "RED RETROSPOT", "PINK", "BLUE", "GREEN", "VINTAGE", "ANTIQUE SILVER", "SET OF 3",
    "SET OF 6", "PACK OF 12", "LARGE", "SMALL", "MINI", "JUMBO", "WOODEN", "CERAMIC", "METAL",
    "GLASS", "HANGING", "FELTCRAFT", "ASSORTED COLOUR", "IVORY", "BLACK", "GOLD",
];

pub(super) const MOTIFS: [&str; 24] = [
    "HEART", "POLKADOT", "STRAWBERRY", "WOODLAND", "SKULLS", "PAISLEY", "ROSE", "BUTTERFLY",
    "UNION JACK", "SPACEBOY", "DOLLY GIRL", "REGENCY", "CHILLI", "APPLE", "CIRCUS", "DAISY",
    "BIRD", "OWL", "LEAF", "ALPHABET", "ENGLISH ROSE", "DINOSAUR", "FAIRY CAKE", "STAR",
];

pub(super) const THINGS: [&str; 40] = [
    "T-LIGHT HOLDER", "LUNCH BAG", "CAKESTAND 3 TIER", "JUMBO BAG", "PARTY BUNTING",
    "CAKE CASES", "HOT WATER BOTTLE", "LANTERN", "COAT HANGER", "TEA TOWEL", "MUG",
    "TEACUP AND SAUCER", "BIRTHDAY CARD", "GIFT WRAP", "PAPER NAPKINS", "STORAGE TIN",
    "DOORMAT", "APRON", "CUSHION COVER", "PHOTO FRAME", "NOTEBOOK", "PENCILS TUBE",
    "WALL CLOCK", "DRAWER KNOB", "CANDLES", "INCENSE", "FAIRY LIGHTS", "SEWING BOX",
    "RECIPE BOX", "LUNCH BOX", "WATER BOTTLE", "PICNIC BASKET", "WASHBAG", "KEY RING",
    "BRACELET", "NECKLACE", "PLAYING CARDS", "DOORSTOP", "MONEY BANK", "JAM JAR",
];

pub(super) const CHRISTMAS: [&str; 16] = [
    "CHRISTMAS TREE STAR", "CHRISTMAS GARLAND", "ADVENT CALENDAR", "CHRISTMAS STOCKING",
    "REINDEER FELT", "CHRISTMAS CARD HOLDER", "SNOWFLAKE GARLAND", "CHRISTMAS WRAP",
    "ANGEL DECORATION", "CHRISTMAS BAUBLE", "BISCUIT TIN CHRISTMAS", "HOLLY WREATH",
    "CHRISTMAS CRACKERS", "SNOWMAN LIGHTS", "CHRISTMAS TEA TOWEL", "ROBIN DECORATION",
];

/// Descriptions that need quotes: a comma, a quote, both.
pub(super) const QUOTED: [&str; 8] = [
    "TRAY, BREAKFAST IN BED", "RECORD FRAME 7\" SINGLE SIZE ", "AIRLINE LOUNGE,METAL SIGN",
    "FANCY FONT BIRTHDAY CARD, ", "SWISS ROLL TOWEL, CHOCOLATE  SPOTS",
    "PHOTO FRAME 10\" X 8\", OAK", "FRENCH STYLE STORAGE JAR, \"SUCRE\"", "ROLL, BEIGE 12\"",
];

/// What the warehouse writes where a description belongs.
pub(super) const ADJUSTMENTS: [&str; 8] = [
    "check", "damages", "?", "damaged", "lost", "Unsaleable, destroyed.", "wet damaged",
    "thrown away",
];

/// Countries, and how many of 10,000 customers live there.
pub(super) const COUNTRIES: [(&str, u32); 34] = [
    ("United Kingdom", 9040), ("Germany", 215), ("France", 200), ("EIRE", 60), ("Spain", 70),
    ("Netherlands", 30), ("Belgium", 58), ("Switzerland", 48), ("Portugal", 44),
    ("Australia", 21), ("Norway", 23), ("Italy", 34), ("Channel Islands", 21), ("Finland", 28),
    ("Cyprus", 18), ("Sweden", 18), ("Austria", 25), ("Denmark", 20), ("Japan", 18),
    ("Poland", 14), ("Israel", 8), ("USA", 9), ("Singapore", 3), ("Iceland", 3), ("Canada", 9),
    ("Greece", 9), ("Malta", 5), ("United Arab Emirates", 4), ("RSA", 2), ("Lebanon", 2),
    ("Brazil", 2), ("Czech Republic", 3), ("Unspecified", 8), ("European Community", 5),
];

/// Where orders without a customer come from, of 1,000.
pub(super) const GUEST_COUNTRIES: [(&str, u32); 5] = [
    ("United Kingdom", 970), ("EIRE", 14), ("Hong Kong", 6), ("Unspecified", 7), ("France", 3),
];
