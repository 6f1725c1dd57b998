"""Faithful retellings of articles' sentences: (the article's sentence, what a careful model made of it).

`CLOSE` were written as a model does that was told to keep the article's words, `FREE` in quite other words. Rules were
tuned on the even rows; the odd rows were written with them and only ever counted.
"""

CLOSE = (
    (
        "People with poor blood flow, skin ulcers or vasculitis, an inflammation of blood vessels, should not use heat.",
        "People with poor blood flow, skin ulcers or vasculitis should not use heat.",
    ),
    (
        "Do not fall asleep on a heating pad or a hot-water bottle.",
        "You should not fall asleep on a heating pad or hot-water bottle.",
    ),
    (
        "Most new episodes improve a lot within 2 to 6 weeks.",
        "Most new episodes of back pain improve a lot within 2–6 weeks.",
    ),
    (
        "Cayenne burns the eyes and broken skin, so wash your hands after use.",
        "Wash your hands after use, because cayenne burns the eyes and broken skin.",
    ),
    (
        "Take the pack off after 15 to 20 minutes, even if the cold still feels good.",
        "You should take the pack off after 15 to 20 minutes, even if the cold still feels good.",
    ),
    (
        "Moving early is the best course once a serious injury has been ruled out.",
        "Once a serious injury has been ruled out, moving early is the best course.",
    ),
    ("Running is safe if the pain settles by the next day.", "If the pain settles by the next day, running is safe."),
    (
        "Do not sit or lie on top of an electric pad, because trapped heat can burn.",
        "Do not sit or lie on top of an electric pad.",
    ),
    (
        "Call your emergency number if feeling is lost around the genitals or bottom, or if bladder or bowel control changes.",
        "Call your emergency number if you lose feeling around the genitals or bottom, or if bladder or bowel control changes.",
    ),
    (
        "Staying active, exercise and time help most people with sciatica.",
        "Most people with sciatica are helped by staying active, exercise and time.",
    ),
    (
        "Stretch the hips and legs for a few minutes daily if they feel stiff.",
        "If they feel stiff, stretch the hips and legs for a few minutes each day.",
    ),
    (
        "Yes, gentle walking is safe in most back pain, and staying active is slightly better for pain and function than bed rest.",
        "Gentle walking is safe in most back pain, and staying active is slightly better for pain and function than bed rest.",
    ),
    (
        "Twisting, bending, lifting or long sitting can make the pain grow.",
        "Twisting, bending, lifting, or long sitting can make the pain worse.",
    ),
    (
        "Pain of more than 12 weeks is called chronic, and recovery is still possible.",
        "Pain that lasts more than 12 weeks is called chronic, and recovery is still possible.",
    ),
    (
        "Children should not have cupping, because no good evidence shows benefit and burns have occurred.",
        "Children should not have cupping, because no good evidence shows a benefit and burns have occurred.",
    ),
    ("Stretch the front of the hips on each side.", "You can stretch the front of your hips on each side."),
    (
        "Standing still for hours can hurt as much as sitting, so standing is a change and not a cure.",
        "Standing still for hours can hurt as much as sitting.",
    ),
    (
        "The World Health Organization gave conditional support to acupuncture for chronic low back pain in 2023.",
        "In 2023, the World Health Organization gave conditional support to acupuncture for chronic low back pain.",
    ),
    (
        "Eat beans, lentils and chickpeas several times a week.",
        "Try to eat beans, lentils and chickpeas several times a week.",
    ),
    (
        "A mid-priced or used chair with the right adjustments does the same job as a costly one.",
        "A mid-priced or used chair with the right adjustments does the same job as a costly one for back pain.",
    ),
    (
        "Exercise helps leg pain slightly more than advice alone at first, and the size of the gain is small.",
        "Exercise helps leg pain slightly more than advice alone at first, but the gain is small.",
    ),
    (
        "Leave a cold pack on for 15 to 20 minutes, and never for more than 20 minutes at a time.",
        "You can leave a cold pack on for 15 to 20 minutes.",
    ),
    ("A warm pack can be used up to 3 times a day.", "You can use a warm pack up to three times a day."),
    (
        "A cold pack can go back on every 2 to 3 hours, once the skin feels normally warm again.",
        "Once the skin feels normally warm again, a cold pack can go back on every 2 to 3 hours.",
    ),
    (
        "Use heat for 15 to 20 minutes at a time, and keep the heat comfortably warm rather than hot.",
        "Apply heat for 15 to 20 minutes at a time, and keep it comfortably warm rather than hot.",
    ),
    (
        "Wrap a hot-water bottle or a microwave pack in two or three layers of towel.",
        "Wrap the hot-water bottle or microwave pack in 2 or 3 layers of towel.",
    ),
    (
        "Cold is mainly worth using in the first 48 hours of a new strain.",
        "In the first 48 hours of a new strain, cold is mainly worth using.",
    ),
    (
        "Warmth does raise blood flow in the skin, so avoid heat on a fresh injury that is swollen, bruised or hot to the touch.",
        "Avoid heat on a fresh injury that is swollen, bruised or hot to the touch.",
    ),
    (
        "Some people find that cold makes nerve pain worse, so warmth is often the better first try.",
        "Some people find cold makes nerve pain worse, so warmth is often the better first try.",
    ),
    ("Before exercise, warmth can loosen stiff muscles.", "Warmth can loosen stiff muscles before exercise."),
    (
        "Older adults can have an epidural injection, but bone loss, diabetes and blood thinners need more thought.",
        "Older adults can have an epidural injection, but bone loss, diabetes, and blood thinners need more thought.",
    ),
    ("Begin with 30 to 60 minutes at a time.", "Start with 30 to 60 minutes at a time."),
    (
        "Turn the unit off before you stick pads on or peel them off.",
        "Before you stick pads on or peel them off, turn the unit off.",
    ),
    (
        "TENS pads go on or around the painful area, on clean, dry skin with normal feeling.",
        "Place TENS pads on or around the painful area, on clean, dry skin with normal feeling.",
    ),
    (
        "Metal in the body, such as a joint replacement, is not an electronic implant.",
        "Metal in the body, for example a joint replacement, isn't an electronic implant.",
    ),
    (
        "Do not wear a running TENS unit while you drive or work machinery.",
        "Don't wear a running TENS unit while driving or working machinery.",
    ),
    (
        "Most people with a plain metal implant can use TENS, but check with your surgeon first.",
        "Most people with a plain metal implant can use TENS, but should check with their surgeon first.",
    ),
    (
        "Exercise has better support than TENS, with moderate-certainty evidence of less pain in chronic low back pain.",
        "Exercise has better support than TENS.",
    ),
    (
        "See a clinician if the pain is no better after about 6 weeks.",
        "If the pain is no better after about 6 weeks, see a clinician.",
    ),
    (
        "Never put ice straight on bare skin, because ice can burn.",
        "Never put ice directly on bare skin, because ice can burn.",
    ),
    (
        "Neither heat nor cold heals the back, so choose the one that lets you move with less pain.",
        "Choose the one that lets you move with less pain, since neither heat nor cold heals the back.",
    ),
    (
        "Relief from TENS, if any comes, is felt during use or soon after.",
        "If any comes, relief from TENS is felt during use or soon after.",
    ),
    ("A mild ache that fades within a day is normal.", "A mild ache that fades within a day is normal."),
    (
        "In one trial people wore a wrap at 40 °C for about 8 hours a day.",
        "In one trial, people wore a wrap at 40 °C for around 8 hours per day.",
    ),
    (
        "Microdiscectomy removes the piece of disc that presses on a nerve, through a small cut.",
        "Microdiscectomy removes the piece of disc pressing on a nerve through a small cut.",
    ),
    (
        "Start with 5 to 10 slow repeats, once or twice a day, and stop any move that sends pain round the ribs or down a leg.",
        "Start with 5 to 10 slow repeats, once or twice a day, and stop any move that sends pain round the ribs or down a leg.",
    ),
    (
        "No profession has been shown to be clearly best for back pain.",
        "No profession has been shown to be clearly best for back pain.",
    ),
    (
        "Heavier people often need more support, and lighter people often need a softer top.",
        "Heavier people often need more support, while lighter people often need a softer top.",
    ),
)

FREE = (
    ("Do not fall asleep on a heating pad or a hot-water bottle.", "It's risky to doze off with a heating pad or hot-water bottle under you."),
    ("Most new episodes improve a lot within 2 to 6 weeks.", "New back pain usually gets much better in two to six weeks."),
    ("Running is safe if the pain settles by the next day.", "You can run as long as the soreness is gone by tomorrow."),
    ("Staying active, exercise and time help most people with sciatica.", "For most people, sciatica gets better with movement and time."),
    ("Eat beans, lentils and chickpeas several times a week.", "Have pulses like beans, lentils and chickpeas a few times every week."),
    ("Stretch the front of the hips on each side.", "Stretch your hip flexors on both sides."),
    ("A warm pack can be used up to 3 times a day.", "Limit warm packs to three sessions daily."),
    ("Begin with 30 to 60 minutes at a time.", "Sessions of half an hour to an hour are a good start."),
    ("Never put ice straight on bare skin, because ice can burn.", "Always put a layer between ice and skin to avoid burns."),
    ("See a clinician if the pain is no better after about 6 weeks.", "If you have not improved in around six weeks, get checked."),
)  # fmt: skip
