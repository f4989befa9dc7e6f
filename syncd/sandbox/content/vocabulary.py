"""Words for the generated applications. All of it is invented; no person or company is real."""

from dataclasses import dataclass

FIRST_NAMES = (
    "Anna", "Lukas", "Zoë", "Jürgen", "Ayşe", "Björn", "Małgorzata", "Mehmet", "Käthe", "Sören", "Chloé", "Ömer",
    "Franziska", "Đorđe", "Renée", "Günther", "Leïla", "Thomas", "Oleksandra", "Jörg", "Nadja", "Céline", "Emre",
    "Ingrid", "José", "Marlene", "Tobias", "Yasemin", "Piotr", "Bärbel",
)  # fmt: skip
LAST_NAMES = (
    "Müller", "Schäfer", "Groß", "Yılmaz", "Kowalczyk", "Weiß", "Böhm", "Öztürk", "Nguyen", "Krüger", "Jäger",
    "Strauß", "Bălan", "Vögele", "Fröhlich", "Petrović", "Schröder", "Hübner", "Köhler", "Lange", "Demir",
    "Sánchez", "Häberle", "Preiß", "Übelacker", "Zimmermann", "Kaya", "Römer", "Novák", "Süß",
)  # fmt: skip
PLACES = (
    "Köln", "München", "Gießen", "Saarbrücken", "Lübeck", "Nürnberg", "Osnabrück", "Halle (Saale)", "Görlitz",
    "Tübingen", "Frankfurt am Main", "Düsseldorf",
)  # fmt: skip
LANGUAGES = ("de", "de", "de", "de", "de", "en", "tr", "pl", "uk")
SOURCES = (
    ("indeed", "cpc", "herbst-2026", "anzeige-a"),
    ("stepstone", "jobboard", "herbst-2026", "top-listing"),
    ("instagram", "social", "azubi-kampagne", "story_2"),
    ("facebook", "social", "pflege-jetzt", "reel"),
    ("karriereseite", "organic", None, None),
    ("plakat", "qr", "messe-köln", "stand 12"),
    ("newsletter", "email", "stammkräfte", None),
    (None, None, None, None),
)


@dataclass(frozen=True)
class Job:
    """A vacancy in the customer's ATS: its reference, its title and its interview."""

    reference: str
    title: str
    template_key: str
    trade: str


JOBS = (
    Job("PF-2026-014", "Pflegefachkraft (m/w/d) Geriatrie", "pflege-standard", "in der Pflege"),
    Job("PF-2026-022", "Pflegehelfer (m/w/d) im Nachtdienst", "pflege-standard", "in der Altenpflege"),
    Job("LG-10233", "Fachkraft für Lagerlogistik (m/w/d)", "lager-kurz", "im Lager"),
    Job("LG-10240", "Staplerfahrer (m/w/d) Frühschicht", "lager-kurz", "in der Logistik"),
    Job("EL/77/Süd", "Elektroniker für Betriebstechnik (m/w/d)", "handwerk", "in der Elektrotechnik"),
    Job("EL/78/Nord", "Mechatroniker (m/w/d) Instandhaltung", "handwerk", "in der Instandhaltung"),
    Job("VK 4711", "Verkäufer (m/w/d) Frischetheke", "verkauf", "im Verkauf"),
    Job("VK 4712", "Filialleitung (m/w/d) Köln-Ehrenfeld", "verkauf", "im Einzelhandel"),
    Job("IT-0099", "Systemadministrator (m/w/d) Linux", "it-lang", "in der IT"),
    Job("IT-0107", "Softwareentwickler (m/w/d) Python", "it-lang", "in der Softwareentwicklung"),
    Job("AZ-2027-3", "Ausbildung Kaufmann für Büromanagement (m/w/d)", "azubi", "im Büro"),
    Job("KU-51", "Berufskraftfahrer CE (m/w/d) Nahverkehr", "fahrer", "im Fahrdienst"),
)

TEMPLATES = {
    "standard": ("Standard-Interview", "Standard interview"),
    "pflege-standard": ("Interview Pflege: Examen, Schichten, Lebenslauf", "Interview for nursing staff"),
    "lager-kurz": ("Kurzinterview Lager und Logistik", "Short interview for warehouse jobs"),
    "handwerk": ("Interview Handwerk und Technik mit Gesellenbrief", "Interview for trades"),
    "verkauf": ("Interview Verkauf mit Vorstellungsvideo", "Interview for sales with a video"),
    "it-lang": ("Ausführliches Interview IT", "Long interview for IT"),
    "azubi": ("Azubi-Interview mit Schulzeugnis", "Interview for apprentices"),
    "fahrer": ("Interview Fahrdienst mit Führerschein", "Interview for drivers"),
}

FREE_QUESTIONS = (
    (
        "Warum möchtest du gerade bei uns anfangen? Erzähl uns gern in zwei, drei Sätzen, was dich reizt.",
        "motive",
    ),
    ("Welche Erfahrung bringst du für die Stelle mit?", "experience"),
    ("Wie sieht für dich ein richtig guter Arbeitstag aus?", "good_day"),
    ("Was macht dir an deinem jetzigen Beruf am meisten Spaß – und was überhaupt nicht?", "likes"),
    ("Gibt es noch etwas, das wir über dich wissen sollten?", "other"),
    ("Wann können wir dich am besten erreichen?", "reach"),
)
SENTENCES: dict[str, tuple[str, ...]] = {
    "motive": (
        "Ich wohne in {place} und suche eine Stelle {trade}, bei der ich nicht mehr jeden Tag zwei Stunden im Zug sitze.",
        "Eine Freundin arbeitet schon bei euch und erzählt nur Gutes über das Team 😊.",
        "Mir gefällt, dass man sich ganz unkompliziert über WhatsApp bewerben kann – das passt zu mir.",
        "Nach der Elternzeit möchte ich wieder voll einsteigen, am liebsten in einem Haus mit verlässlichen Dienstplänen.",
        "Eure Anzeige hat mich direkt angesprochen, weil Übernahme und Weiterbildung klar drinstehen.",
    ),
    "experience": (
        "Ich arbeite seit {years} Jahren {trade} und habe dort auch neue Kolleginnen und Kollegen eingearbeitet.",
        "Meine Ausbildung habe ich in {place} gemacht, danach war ich {years} Jahre in einem mittelgroßen Betrieb.",
        "Am meisten gelernt habe ich in der Zeit, als wir mit halber Besetzung trotzdem alles pünktlich fertig bekommen haben 💪.",
        "Die nötigen Scheine und Unterweisungen sind alle aktuell, die Nachweise schicke ich gern mit.",
        "Ehrlich gesagt bin ich Quereinsteiger, aber ich lerne schnell und packe gern mit an.",
    ),
    "good_day": (
        "Wenn die Übergabe stimmt, jeder weiß, was zu tun ist, und zwischendurch Zeit für einen Kaffee bleibt ☕.",
        "Ich mag es, wenn am Abend sichtbar ist, was wir geschafft haben.",
        "Ein guter Tag ist für mich einer, an dem wir als Team lachen können, obwohl viel los war.",
        "Wichtig ist mir ein respektvoller Ton, auch wenn es mal stressig wird.",
    ),
    "likes": (
        "Am liebsten habe ich direkt mit Menschen zu tun; die Büroarbeit muss halt auch sein.",
        "Spaß macht mir, Fehler zu finden und so zu beheben, dass sie nicht wiederkommen.",
        "Was mich stört, sind kurzfristig geänderte Pläne, die ich erst am Vorabend erfahre.",
        "Ich schätze die Abwechslung: kein Tag ist wie der andere, und das darf gern so bleiben 🙂.",
    ),
    "other": (
        "Ich habe zwei Kinder und bin dienstags auf den Nachmittag angewiesen.",
        "Meine Kündigungsfrist beträgt vier Wochen zum Monatsende, früher ginge es nach Absprache.",
        "Ich spreche außerdem Türkisch und Englisch, Polnisch verstehe ich ganz gut.",
        "Führerschein Klasse B ist vorhanden, ein eigenes Auto ebenfalls.",
    ),
    "reach": (
        "Am besten abends nach 18 Uhr, vormittags bin ich meistens noch auf Schicht.",
        "Jederzeit per WhatsApp, telefonisch bitte erst ab Mittag 📱.",
        "Montags und mittwochs habe ich frei, da passt es den ganzen Tag.",
    ),
}
SHIFTS = ("Frühschicht", "Spätschicht", "Nachtschicht", "Wochenende")
